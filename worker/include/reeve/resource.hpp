#pragma once
// The options of one resource of a lifespan: when it opens, whether the worker needs it, and how
// long opening and closing may take. Plain data, and the resource with its types erased.
// Any thread.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "reeve/signature.hpp"
#include "reeve/state.hpp"
#include "reeve/task.hpp"
#include "reeve/wait.hpp"

namespace reeve {

class Scope;

/// The five phases of a start, in their order; the teardown goes back through them. The environment
/// and the listeners are the runtime's: a resource opens in one of the three between.
enum class Phase : std::uint8_t { Environment, Connections, Providers, Scheduler, Listening };

[[nodiscard]] std::string_view to_string(Phase phase);

/// Whether a worker can serve without it. An optional resource that cannot be opened leaves the
/// worker ready and degraded; it is tried again until it comes.
enum class Need : std::uint8_t { Required, Optional };

/// What a resource is, for the order in which they should open: telemetry first, caches last.
enum class Kind : std::uint8_t { Telemetry, Database, Client, Cache, Other };

[[nodiscard]] std::string_view to_string(Kind kind);

/// The pauses between two attempts to open an optional resource: each about twice the one before,
/// less up to a half by chance, so that workers that lost the same thing do not return in step.
struct Retry {
  std::chrono::milliseconds first{500};   ///< after the first attempt
  std::chrono::milliseconds max{30'000};  ///< the longest

  bool operator==(const Retry&) const = default;
};

/// Trivially destructible on purpose: g++ 12 destroys braced arguments of a co_await twice.
struct ResourceOptions {
  /// Connections, Providers or Scheduler. What a Scope opens belongs to the Scope's phase.
  Phase phase = Phase::Connections;
  Need need = Need::Required;  ///< whether the worker starts, and is ready, without it
  /// Past it a coroutine gets Cancelled, and a function that blocks is left behind; a value that
  /// such a function returns later is closed.
  std::chrono::milliseconds open_within{30'000};
  /// The same for closing; the next one is closed then.
  std::chrono::milliseconds close_within{5'000};
  Kind kind = Kind::Other;  ///< for the order lint: see Kind
  Retry retry{};            ///< for an optional one; refused for a required one
};

/// One named thing of a lifespan, its types erased.
struct Resource {
  std::string name;         ///< unique within the lifespan
  ResourceOptions options;  ///< as it was registered
  /// The type of the value; null when there is none.
  const std::type_info* type = nullptr;
  /// Called once an attempt. Failure: an exception.
  std::function<Task<detail::AnyValue>(Scope&)> open;
  /// Gets the value that `open` returned, null when it has none. May be empty.
  std::function<Task<>(void* value)> close;
};

namespace detail {

[[nodiscard]] State& state_of(Scope& scope);

/// An open function takes the Scope, the State, or nothing.
template <class Open>
decltype(auto) call_open(Open& open, Scope& scope) {
  if constexpr (std::invocable<Open&, Scope&>) {
    return open(scope);
  } else if constexpr (std::invocable<Open&, State&>) {
    return open(state_of(scope));
  } else {
    return open();
  }
}

template <class T, class Result>
AnyValue erase_value(Result&& result) {
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return AnyValue::of<T>(std::forward<Result>(result));
  }
}

template <class T, class Open>
Task<AnyValue> open_on_loop(Open& open, Scope& scope) {
  if constexpr (std::is_void_v<T>) {
    co_await call_open(open, scope);
    co_return AnyValue();
  } else {
    co_return erase_value<T>(co_await call_open(open, scope));
  }
}

/// A value that is returned after a cancel is handed on, so that it can be closed.
template <class T, class Open>
Task<AnyValue> open_on_thread(Open& open, Scope& scope) {
  AnyValue value;
  bool returned = false;
  auto call = [&] {
    if constexpr (std::is_void_v<T>) {
      call_open(open, scope);
    } else {
      value = erase_value<T>(call_open(open, scope));
    }
    returned = true;
  };
  try {
    co_await offload(call);
  } catch (const Cancelled&) {
    if (!returned) throw;
  }
  co_return value;
}

template <class T, class Open>
std::function<Task<AnyValue>(Scope&)> erase_open(Open open) {
  using Result = decltype(call_open(open, std::declval<Scope&>()));
  if constexpr (TaskType<Result>) {
    return [open = std::move(open)](Scope& scope) mutable { return open_on_loop<T>(open, scope); };
  } else {
    static_assert(!std::invocable<Open&, Scope&>,
                  "an open function that takes a Scope is a coroutine: let it return a Task");
    return
        [open = std::move(open)](Scope& scope) mutable { return open_on_thread<T>(open, scope); };
  }
}

template <class T, class Close>
std::function<Task<>(void*)> erase_close(Close close) {
  if constexpr (std::is_void_v<T>) {
    return [close = std::move(close)](void*) mutable {
      return run_where_it_belongs([&close]() -> decltype(auto) { return close(); });
    };
  } else {
    return [close = std::move(close)](void* value) mutable {
      return run_where_it_belongs(
          [&close, value]() -> decltype(auto) { return close(*static_cast<T*>(value)); });
    };
  }
}

template <class T>
const std::type_info* type_of() {
  if constexpr (std::is_void_v<T>) {
    return nullptr;
  } else {
    return &typeid(T);
  }
}

template <class T, class Open>
Resource make_resource(std::string name, Open&& open, const ResourceOptions& options) {
  return {.name = std::move(name),
          .options = options,
          .type = type_of<T>(),
          .open = erase_open<T>(std::decay_t<Open>(std::forward<Open>(open))),
          .close = {}};
}

template <class T, class Open, class Close>
Resource make_resource(std::string name, Open&& open, Close&& close,
                       const ResourceOptions& options) {
  Resource resource = make_resource<T>(std::move(name), std::forward<Open>(open), options);
  resource.close = erase_close<T>(std::decay_t<Close>(std::forward<Close>(close)));
  return resource;
}

/// Tells a close function from the options that may stand in its place.
template <class Close>
concept NoOptions = !std::convertible_to<std::remove_cvref_t<Close>, ResourceOptions>;

}  // namespace detail
}  // namespace reeve
