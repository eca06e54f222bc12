#pragma once
// Checks: named questions that /health/ready asks, each bounded in time and cached, so that a probe
// costs little and never hangs. What a check finds decides whether the worker is ready. Filled
// before App::run(), on the main thread.
//
//   app.check<Database>("database", [](Database& db) -> reeve::Task<> { co_await db.ping(); });
//   app.check("disk", [] { return free_space("/var") > 0.1; }, {.need = reeve::Need::Optional});

#include <chrono>
#include <concepts>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "reeve/resource.hpp"
#include "reeve/state.hpp"
#include "reeve/task.hpp"

namespace reeve {

/// How often a health check asks, how long it waits, and what its failure means.
struct CheckOptions {
  /// Whether the worker is unready while it fails. By default the need of the resource of the same
  /// name; required when there is none.
  std::optional<Need> need{};
  std::chrono::milliseconds within{1'000};      ///< it has failed when it takes longer
  std::chrono::milliseconds cached_for{1'000};  ///< how long its result is good
  /// How often it also runs by itself, so that the worker's state is right when nobody asks. Zero:
  /// only when asked.
  std::chrono::milliseconds every{10'000};
};

/// One check, its types erased.
struct Check {
  std::string name;                   ///< as /health shows it
  CheckOptions options;               ///< as it was registered
  std::function<Task<>(State&)> run;  ///< Failure: an exception, which says why.
};

namespace detail {

template <class Function>
Task<> run_check(Function function) {
  if constexpr (std::is_void_v<typename TaskTraits<std::invoke_result_t<Function&>>::Value>) {
    co_await run_where_it_belongs(std::move(function));
  } else {
    const bool passed = co_await run_where_it_belongs(std::move(function));
    if (!passed) throw std::runtime_error("it returned false");
  }
}

/// T: the value it looks at, or void.
template <class T, class Function>
Check make_check(std::string name, Function function, const CheckOptions& options) {
  Check check{.name = std::move(name), .options = options, .run = {}};
  if constexpr (!std::is_void_v<T>) {
    check.run = [function = std::move(function)](State& state) mutable {
      T* value = state.find<T>();
      if (value == nullptr) throw std::runtime_error("not open");
      return run_check([&function, value]() -> decltype(auto) { return function(*value); });
    };
  } else if constexpr (std::invocable<Function&, State&>) {
    check.run = [function = std::move(function)](State& state) mutable {
      return run_check([&function, &state]() -> decltype(auto) { return function(state); });
    };
  } else {
    check.run = [function = std::move(function)](State&) mutable {
      return run_check([&function]() -> decltype(auto) { return function(); });
    };
  }
  return check;
}

}  // namespace detail
}  // namespace reeve
