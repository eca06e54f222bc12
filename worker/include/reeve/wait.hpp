#pragma once
// What a task can wait for: `co_await sleep_for(1s)`, `co_await offload([] { return slow(); })`.
// Both find the loop and the thread pool through the task that awaits them. Loop thread only.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "reeve/suspension.hpp"

namespace reeve {

namespace detail {

class Sleep final : public Suspension {
 public:
  explicit Sleep(std::chrono::nanoseconds duration);
  ~Sleep() override;
  void await_resume() const { check(); }

 private:
  struct Alarm;
  void start(worker::Context& context) override;
  bool abandon() noexcept override;

  std::chrono::nanoseconds duration_;
  std::unique_ptr<Alarm> alarm_;
};

/// The part of offload() that does not depend on the function. The function and its result live in
/// the waiting frame, and the frame waits for a function that runs: so it may use the task's
/// locals.
class OffloadBase : public Suspension {
 protected:
  OffloadBase() = default;
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
class Offload final : public OffloadBase {
 public:
  using Result = std::invoke_result_t<Function&>;
  static_assert(!std::is_reference_v<Result>, "return a pointer instead of a reference");

  explicit Offload(Function function) : function_(std::move(function)) {}
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

/// Suspends the task for at least `duration`. Throws Cancelled.
[[nodiscard]] inline detail::Sleep sleep_for(std::chrono::nanoseconds duration) {
  return detail::Sleep(duration);
}

/// Runs `function`, which may block, on the thread pool, and returns what it returned or throws
/// what it threw. Throws Overloaded when the pool's queue is full. Throws Cancelled: at once while
/// the function is queued, but when it runs only after it has returned, since it may use the task's
/// locals.
template <class Function>
[[nodiscard]] detail::Offload<std::decay_t<Function>> offload(Function&& function) {
  return detail::Offload<std::decay_t<Function>>(std::forward<Function>(function));
}

}  // namespace reeve
