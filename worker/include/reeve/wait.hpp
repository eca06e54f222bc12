#pragma once
// The waits of a task: `co_await sleep_for(1s)`, `co_await offload([] { return slow(); })`,
// `co_await yield()`. They find the loop and the thread pool through the task that awaits them.
// Loop thread only.

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "reeve/suspension.hpp"
#include "reeve/temporaries.hpp"

namespace reeve {

namespace detail {

class [[nodiscard]] Sleep final : public Suspension {
 public:
  /// From the co_await on.
  explicit Sleep(std::chrono::nanoseconds duration);
  explicit Sleep(std::chrono::steady_clock::time_point until);
  Sleep(Sleep&& fresh) noexcept;
  ~Sleep() override;
  void await_resume() const { check(); }

 private:
  struct Alarm;
  void start(worker::Context& context) override;
  bool abandon() noexcept override;

  std::chrono::nanoseconds duration_{};
  std::optional<std::chrono::steady_clock::time_point> until_;
  std::unique_ptr<Alarm> alarm_;
};

class [[nodiscard]] Yield final : public Suspension {
 public:
  Yield() = default;
  Yield(Yield&&) = default;
  void await_resume() const { check(); }

 private:
  void start(worker::Context&) override { wake_later(); }
  bool abandon() noexcept override { return true; }
};

/// The part of offload() that does not depend on the function. The function and its result live in
/// the waiting frame, and the frame waits for a function that runs: so it may use the task's
/// locals.
class OffloadBase : public Suspension {
 protected:
  OffloadBase() = default;
  OffloadBase(OffloadBase&&) = default;
  /// A function that runs is waited for; one that is still queued never runs.
  void retire() noexcept;
  /// Calls the function. On a thread of the pool.
  virtual void run() = 0;
  /// Throws what the function threw.
  void check_outcome() const;

 private:
  struct Ticket;
  void start(worker::Context& context) override;
  bool abandon() noexcept override;

  std::shared_ptr<Ticket> ticket_;
  std::exception_ptr error_;
};

template <class Function>
class [[nodiscard]] Offload final : public OffloadBase {
 public:
  using Result = std::invoke_result_t<Function&>;
  static_assert(!std::is_reference_v<Result>, "return a pointer instead of a reference");

  explicit Offload(Function function) : function_(std::move(function)) {}
  Offload(Offload&&) = default;
  ~Offload() override { retire(); }

  Result await_resume() {
    check_outcome();
    if constexpr (!std::is_void_v<Result>) return std::move(*result_);
  }

 private:
  void run() override {
    if constexpr (std::is_void_v<Result>) {
      function_();
    } else {
      result_.emplace(function_());
    }
  }

  struct Nothing {};
  Function function_;
  std::optional<std::conditional_t<std::is_void_v<Result>, Nothing, Result>> result_;
};

}  // namespace detail

/// Suspends the task for at least `duration` (to the millisecond, rounded up). Throws Cancelled.
inline detail::Sleep sleep_for(std::chrono::nanoseconds duration) {
  return detail::Sleep(duration);
}

/// Suspends the task until a point in time; when that has passed, until the next turn of the loop.
/// Throws Cancelled.
inline detail::Sleep sleep_until(std::chrono::steady_clock::time_point at) {
  return detail::Sleep(at);
}

/// Lets everything else that is due run first: in a long computation on the loop, every few
/// milliseconds. Throws Cancelled.
inline detail::Yield yield() { return {}; }

/// Runs `function`, which may block, on the thread pool, and returns what it returned or throws
/// what it threw. Throws Overloaded when the pool's queue is full. Throws Cancelled: at once while
/// the function is queued, but when it runs only after it has returned, since it may use the task's
/// locals.
///
/// With g++ 12, a lambda whose captures have destructors is named before it is passed: that
/// compiler destroys those of a temporary one twice within a co_await, so this does not compile.
template <class Function>
detail::Offload<std::decay_t<Function>> offload(Function&& function) {
  detail::refuse_unsafe_temporaries<Function>();
  return detail::Offload<std::decay_t<Function>>(std::forward<Function>(function));
}

}  // namespace reeve
