#pragma once
// Lets tasks wait until everything that was begun has ended. Loop thread only.

#include <cstddef>
#include <list>

#include "reeve/suspension.hpp"
#include "reeve/task.hpp"

namespace reeve::worker {

class WaitGroup {
 public:
  void begin() { ++count_; }
  /// Wakes those that wait, when it was the last. The last thing that its caller does.
  void end();
  [[nodiscard]] std::size_t count() const { return count_; }

  /// Throws Cancelled; the group goes on.
  [[nodiscard]] Task<> all_ended();

 private:
  class Wait;

  std::size_t count_ = 0;
  std::list<Wait*> waits_;
};

}  // namespace reeve::worker
