#pragma once
// One wait of a task for anything but another task: a timer, a thread, a socket. The runtime
// derives from Suspension; applications use what is derived (sleep_for, offload, channels). Loop
// thread only.

#include <coroutine>
#include <cstdint>
#include <exception>

namespace reeve {

namespace worker {
class Context;
class ReadyQueue;
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
///
///   Fresh --co_await--> Starting --> Waiting --wake()--> Over
///                          |            | wake_later()
///                          |            v
///                          |          Queued --next turn, or wake()--> Over
///                          +-- wake() within start(): the task goes on at once --> Over
class Suspension {
 public:
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

  /// As C++ asks of awaitables: never ready, so that await_suspend() decides.
  [[nodiscard]] bool await_ready() const noexcept { return false; }

  /// As C++ asks of awaitables. False: the task goes on at once.
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) {
    return suspend(waiter, waiter.promise().root);
  }

 protected:
  Suspension() = default;
  /// Only a fresh one can move: once it is awaited, others point to it.
  Suspension(Suspension&& fresh) noexcept;
  virtual ~Suspension();

  /// Arranges for wake() to be called; called within, the task goes on at once. May throw, which
  /// the task sees.
  virtual void start(worker::Context& context) = 0;
  /// The task was cancelled: disarms what start() armed. Called at most once, perhaps when it is
  /// queued. Returns false when the wait cannot be cut short; wake() then ends it. Either way the
  /// task goes on with await_resume(), whose check() throws.
  virtual bool abandon() noexcept = 0;
  /// Resumes the task. The last thing its caller does: `this` may be gone afterwards.
  void wake();
  /// Resumes the task in the next turn of the loop: for callers that are tasks themselves, so that
  /// a chain of tasks that wake each other neither nests nor keeps others from the loop.
  void wake_later();
  /// Throws Cancelled when the task was cancelled before or during this wait.
  void check() const;
  /// Whether it is awaited, and nobody has woken it yet.
  [[nodiscard]] bool waiting() const { return phase_ == Phase::Waiting || phase_ == Phase::Queued; }
  /// The task whose wait it is. From start() on.
  [[nodiscard]] worker::Root& root() const { return *root_; }

 private:
  friend class worker::ReadyQueue;
  friend class worker::Root;
  enum class Phase : std::uint8_t { Fresh, Starting, Waiting, Queued, Over };

  bool suspend(std::coroutine_handle<> waiter, worker::Root* root);
  void leave();

  std::coroutine_handle<> waiter_;
  worker::Root* root_ = nullptr;
  Suspension* previous_ = nullptr;  // Among the queued ones.
  Suspension* next_ = nullptr;
  std::uint64_t queued_in_turn_ = 0;
  Phase phase_ = Phase::Fresh;
};

}  // namespace reeve
