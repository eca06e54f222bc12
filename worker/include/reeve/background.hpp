#pragma once
// Background tasks: work that a handler leaves for after its response. They belong to the worker,
// not to the request: a drain waits for them, within the grace.
//
//   request.background("mail", [to = order.email]() -> reeve::Task<> { co_await mail(to); });

#include <cstddef>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "reeve/suspension.hpp"
#include "reeve/task.hpp"

namespace reeve {

/// How much may be left behind by answered requests.
struct BackgroundLimits {
  /// Tasks that run, wait, or are promised by handlers that still run. Beyond it
  /// Request::background() throws BackgroundFull. At least one.
  std::size_t at_most = 1024;
  /// Threads of the pool that they may take at a time; 0: half of the pool. The rest is for
  /// requests.
  std::size_t threads = 0;
};

/// Thrown by Request::background(). Not caught, it is answered with 503 and Retry-After.
class BackgroundFull final : public Overloaded {
 public:
  [[nodiscard]] const char* what() const noexcept override {
    return "too many background tasks are under way; see App::background()";
  }
};

namespace detail {

/// One background task, its type erased. Where it runs follows from what it returns.
struct BackgroundWork {
  using Blocking = std::move_only_function<void()>;
  using Async = std::move_only_function<Task<>()>;

  std::string name;
  std::variant<Blocking, Async> run;
};

template <class Function>
BackgroundWork make_background(std::string name, Function function) {
  static_assert(std::is_invocable_v<Function&>, "a background task takes no arguments");
  using Result = std::invoke_result_t<Function&>;
  static_assert(std::is_void_v<Result> || std::is_same_v<Result, Task<>>,
                "a background task returns nothing (it may block, and runs on the thread pool) or "
                "reeve::Task<> (a coroutine, which runs on the loop)");
  if constexpr (std::is_void_v<Result>) {
    return {std::move(name), BackgroundWork::Blocking(std::move(function))};
  } else {
    return {std::move(name), BackgroundWork::Async(std::move(function))};
  }
}

}  // namespace detail

}  // namespace reeve
