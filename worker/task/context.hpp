#pragma once
// The loop and the thread pool, as a worker's coroutines reach them through their root. Owns the
// root tasks that are still suspended, so that none leaks and none outlives the loop. Loop thread
// only.

#include <cstddef>
#include <cstdint>

#include "ipc/base/uv.hpp"
#include "worker/task/loop_activity.hpp"
#include "worker/task/thread_pool.hpp"

namespace reeve {
class Suspension;
}

namespace reeve::worker {

class Root;

/// The waits that are over and whose tasks go on in the next turn of the loop, first come, first
/// served. Between two turns the loop does its other work, so tasks that keep each other busy do
/// not keep it from its sockets.
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

class Context {
 public:
  Context(ipc::uv::Loop& loop, ThreadPool& threads)
      : loop_(loop), threads_(threads), ready_(loop) {}
  /// Destroys the root tasks that have not ended, without calling their `on_done`.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] ipc::uv::Loop& loop() const { return loop_; }
  [[nodiscard]] ThreadPool& threads() const { return threads_; }
  /// The tasks that go on in the next turn of the loop.
  [[nodiscard]] ReadyQueue& ready() { return ready_; }
  /// The activity that has the loop. Its look() is for any thread.
  [[nodiscard]] LoopActivity& loop_activity() { return loop_activity_; }
  /// Root tasks that have not ended, and their branches.
  [[nodiscard]] std::size_t roots() const { return roots_; }

 private:
  friend class Root;

  ipc::uv::Loop& loop_;
  ThreadPool& threads_;
  ReadyQueue ready_;
  LoopActivity loop_activity_;
  Root* first_ = nullptr;  // An intrusive list: starting a task allocates nothing for it. Its
                           // branches are not in it: they die with the frame that waits for them.
  std::size_t roots_ = 0;
};

}  // namespace reeve::worker
