#pragma once
// What a task waits for when it does not wait for another task: a timer, a thread, a socket.
// The runtime derives from Suspension; applications use what is derived (sleep_for, offload,
// bodies). Loop thread only.

#include <coroutine>
#include <exception>

namespace reeve {

namespace worker {
class Context;
class Root;
}  // namespace worker

/// Thrown out of `co_await` when the task was asked to end, so that its destructors run.
/// Every later wait of the same task throws it again: catching it does not buy more time.
class Cancelled : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "cancelled"; }
};

/// Thrown out of `co_await offload(...)` when the thread pool's queue is full.
class Overloaded : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "the thread pool is full"; }
};

/// One wait of one task. Lives in the coroutine's frame for the length of a `co_await`; destroying
/// it (the frame died) deregisters it. A derived class adds `await_resume()`, which calls `check()`
/// first.
class Suspension {
 public:
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) {
    return suspend(waiter, waiter.promise().root);
  }

 protected:
  Suspension() = default;
  virtual ~Suspension();

  /// Arranges for wake() to be called later, never from within. May throw, which the task sees.
  virtual void start(worker::Context& context) = 0;
  /// The task was cancelled: disarms what start() armed. Returns false when the wait cannot be cut
  /// short; the task then gets Cancelled at the following wake().
  virtual bool abandon() noexcept = 0;
  /// Resumes the task. The last thing its caller does: `this` may be gone afterwards.
  void wake();
  /// Throws Cancelled when the task was cancelled before or during this wait.
  void check() const;
  [[nodiscard]] bool waiting() const { return waiter_ != nullptr; }

 private:
  friend class worker::Root;
  bool suspend(std::coroutine_handle<> waiter, worker::Root* root);

  std::coroutine_handle<> waiter_;
  worker::Root* root_ = nullptr;
};

}  // namespace reeve
