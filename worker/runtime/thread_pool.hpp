#pragma once
// The threads on which handlers and functions that may block run. Bounded in threads and in queue;
// a thread starts only when a job finds no idle one. It refuses to be a scheduler: first in, first
// out. Loop thread only, apart from the jobs themselves.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ipc/base/uv.hpp"
#include "reeve/thread_limits.hpp"

namespace reeve::worker {

class ThreadPool {
 public:
  using Job = std::move_only_function<void()>;
  using Done = std::move_only_function<void(std::exception_ptr error)>;

  explicit ThreadPool(ipc::uv::Loop& loop, const ThreadLimits& limits = {});
  /// Waits for the jobs that run, drops those that wait. No `done` is called any more.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs `job` on a thread, then `done` on the loop thread, with the exception that left `job` if
  /// one did. Both are destroyed on the loop thread. False, and neither is ever called, when the
  /// queue is full.
  [[nodiscard]] bool submit(Job job, Done done);

  /// How many jobs run now. For deciding at the end of the process whether a join would return.
  [[nodiscard]] std::size_t running() const;
  [[nodiscard]] std::size_t threads_started() const { return threads_.size(); }

 private:
  struct Item {
    Job job;
    Done done;
    std::exception_ptr error;
  };

  [[nodiscard]] bool start_thread();
  void work();
  void deliver();

  const ThreadLimits limits_;
  ipc::uv::Async finished_signal_;

  mutable std::mutex mutex_;  // Guards what follows, up to threads_.
  std::condition_variable wake_;
  std::deque<Item> queue_;
  std::vector<Item> finished_;
  std::size_t idle_ = 0;
  std::size_t running_ = 0;
  bool stopping_ = false;

  std::vector<std::thread> threads_;  // Loop thread only.
};

}  // namespace reeve::worker
