#pragma once
// When to repeat a message that may not have arrived: after 1 s, then each time after twice as
// long, at most every 60 s, so that a worker that waits for days hardly wakes up for it. A value
// without loop and clock.

#include <algorithm>
#include <chrono>

#include "ipc/base/clock.hpp"

namespace reeve::worker {

class Repetition {
 public:
  static constexpr std::chrono::seconds kFirst{1};
  static constexpr std::chrono::seconds kLongest{60};

  /// The message was sent.
  void sent(ipc::TimePoint now) {
    next_ = now + pause_;
    pause_ = std::min(pause_ * 2, kLongest);
  }
  /// When to say it again. Only after said().
  [[nodiscard]] ipc::TimePoint next() const { return next_; }

 private:
  ipc::TimePoint next_{};
  std::chrono::seconds pause_ = kFirst;
};

}  // namespace reeve::worker
