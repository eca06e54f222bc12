#pragma once
// The threads on which handlers and functions that may block run. Bounded in threads and in queue;
// a thread starts only when a call finds no idle one. It knows what each call is for, and how long
// calls wait. It refuses to be a scheduler: first in, first out. Loop thread only, apart from the
// calls themselves and look().

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/recorder/recorder.hpp"
#include "reeve/thread_limits.hpp"
#include "worker/task/loop_activity.hpp"
#include "worker/task/retry_after.hpp"

namespace reeve::worker {

/// A thread pool at one moment.
struct PoolLook {
  struct Occupant {
    std::string what;  ///< "GET /report"
    ipc::Duration age{};
  };
  std::size_t threads = 0;        ///< as many as may run
  std::size_t queue = 0;          ///< as many as may wait
  std::size_t waiting = 0;        ///< calls without a thread
  ipc::Duration longest_wait{};   ///< of those that wait
  std::uint64_t refused = 0;      ///< for want of room in the queue, in all
  bool all_taken = false;         ///< no thread is idle, and none more can be had
  std::vector<Occupant> running;  ///< what has a thread
};

class ThreadPool {
 public:
  using Call = std::move_only_function<void()>;
  using Done = std::move_only_function<void(std::exception_ptr error)>;

  /// `page`, which outlives it, gets the pool's figures.
  explicit ThreadPool(ipc::uv::Loop& loop, const ThreadLimits& limits = {},
                      ipc::RecorderPage* page = nullptr);
  /// Waits for the calls that run, drops those that wait. No `done` is called any more.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs `call` on a thread, then `done` on the loop thread, with the exception that left `call`
  /// if one did. Both are destroyed on the loop thread. False, and neither is ever called, when the
  /// queue is full, which it never is for resources and what is scheduled. `activity` is copied.
  [[nodiscard]] bool submit(Call call, Done done, const Activity& activity = Activity::unnamed());
  /// When who was refused should try again: at least a second.
  [[nodiscard]] std::chrono::seconds retry_after() const;

  /// How many calls run now. For deciding at the end of the process whether a join would return.
  [[nodiscard]] std::size_t running() const;
  [[nodiscard]] std::size_t threads_started() const { return threads_.size(); }
  /// Any thread.
  [[nodiscard]] PoolLook look() const;

 private:
  struct Item {
    Call call;
    Done done;
    std::exception_ptr error;
    std::string what;
    ipc::TimePoint since;  // Waits since; then, runs since.
    bool owed = false;
    bool in_reserve = false;  // Runs on the thread beyond the limit.
  };

  [[nodiscard]] bool has_thread_or_room(bool owed);
  [[nodiscard]] std::size_t ordinary_running() const;
  [[nodiscard]] bool start_thread(bool reserve);
  void work(bool reserve);
  void run_next(std::unique_lock<std::mutex>& lock, bool reserve);
  void deliver();
  void record();

  const ThreadLimits limits_;
  ipc::RecorderPage* const page_;
  ipc::uv::Async finished_signal_;

  mutable std::mutex mutex_;  // Guards what follows, up to threads_.
  std::condition_variable wake_;
  std::condition_variable wake_reserve_;
  std::list<Item> queue_;  // An item goes from list to list.
  std::list<Item> running_;
  std::list<Item> finished_;
  ServiceTime service_time_;
  std::size_t started_ = 0;  // Without the reserve.
  bool reserve_started_ = false;
  bool reserve_busy_ = false;
  std::uint64_t refused_ = 0;
  bool stopping_ = false;

  std::vector<std::thread> threads_;  // Loop thread only.
};

}  // namespace reeve::worker
