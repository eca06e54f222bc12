#pragma once
// The waits that are over and whose tasks go on in the next turn of the loop, first come, first
// served. Between two turns the loop does its other work, so tasks that keep each other busy do not
// keep it from its sockets. Loop thread only.

#include <cstdint>

#include "ipc/base/uv.hpp"

namespace reeve {
class Suspension;
}

namespace reeve::worker {

class ReadyQueue {
 public:
  explicit ReadyQueue(ipc::uv::Loop& loop) : turn_of_loop_(loop, [this] { run(); }) {}
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  void add(Suspension& wait);
  void remove(Suspension& wait);

 private:
  void run();

  ipc::uv::Idle turn_of_loop_;
  Suspension* first_ = nullptr;  // An intrusive list: waking allocates nothing.
  Suspension* last_ = nullptr;
  std::uint64_t turn_ = 0;
};

}  // namespace reeve::worker
