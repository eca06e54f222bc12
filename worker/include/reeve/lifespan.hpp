#pragma once
// Lifespan: what a worker opens after its start and closes, in reverse order, before its end.
//
//   [1/5] environment  [2/5] connections  [3/5] providers  [4/5] scheduler  [5/5] listening
//
// Resources open one after another, by phase and then by registration. Nothing listens before all
// the required ones are open. It refuses to open two at a time: an order that is not written down
// cannot be undone in reverse. Filled before App::run(), on the main thread.
//
//   app.resource<Database>("database",
//       [] { return std::make_unique<Database>(url); },         // may block: runs on the thread
//       pool
//       [](Database& db) -> reeve::Task<> { co_await db.flush(); },  // a coroutine: runs on the
//       loop
//       {.open_within = 5s});

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <vector>

#include "reeve/signature.hpp"
#include "reeve/state.hpp"
#include "reeve/task.hpp"

namespace reeve {

enum class Phase : std::uint8_t { Environment, Connections, Providers, Scheduler, Listening };

[[nodiscard]] std::string_view to_string(Phase phase);

/// Whether a worker can serve without a resource. A failed optional one is logged, and shown by
/// /health.
enum class Need : std::uint8_t { Required, Optional };

struct ResourceOptions {
  Phase phase = Phase::Connections;  ///< Connections, Providers or Scheduler
  Need need = Need::Required;
  std::chrono::milliseconds open_within{30'000};
  std::chrono::milliseconds close_within{5'000};
};

namespace detail {

template <class Function>
decltype(auto) call_with_state(Function& function, State& state) {
  if constexpr (std::invocable<Function&, State&>) {
    return function(state);
  } else {
    return function();
  }
}

template <class T, class Open>
Task<> open_resource(Open& open, State& state) {
  auto call = [&open, &state]() -> decltype(auto) { return call_with_state(open, state); };
  if constexpr (std::is_void_v<T>) {
    co_await run_where_it_belongs(call);
  } else {
    state.put<T>(co_await run_where_it_belongs(call));
  }
}

template <class T, class Close>
Task<> close_resource(Close& close, State& state) {
  if constexpr (std::is_void_v<T>) {
    co_await run_where_it_belongs([&close]() -> decltype(auto) { return close(); });
  } else {
    T& value = state.get<T>();
    co_await run_where_it_belongs([&close, &value]() -> decltype(auto) { return close(value); });
  }
}

}  // namespace detail

/// One named thing of a lifespan, its types erased.
struct Resource {
  std::string name;
  std::type_index type = typeid(void);  ///< Of its value; void: it leaves none.
  ResourceOptions options;
  std::function<Task<>(State&)> open;   ///< Puts the value into the state. Failure: an exception.
  std::function<Task<>(State&)> close;  ///< May be empty.
  std::function<void(State&)> drop;     ///< Destroys the value.
};

class Lifespan {
 public:
  /// Registers a resource whose value of type T the handlers find in the State.
  ///
  /// `open`, called with the State of what opened before or with nothing, returns a T, a
  /// unique_ptr<T> or a shared_ptr<T>, or a Task of one of them. `close` gets a T& and returns
  /// nothing or a Task<>. Their exceptions are failures. A failed required `open` ends the start; a
  /// failed `close` is logged. After `open_within` and `close_within` a coroutine gets Cancelled,
  /// and a blocking function is left behind.
  template <class T, class Open, class Close>
  void resource(const std::string& name, Open open, Close close, ResourceOptions options = {}) {
    add({.name = name,
         .type = typeid(T),
         .options = options,
         .open = [open = std::move(open)](
                     State& state) mutable { return detail::open_resource<T>(open, state); },
         .close = [close = std::move(close)](
                      State& state) mutable { return detail::close_resource<T>(close, state); },
         .drop = dropper<T>()});
  }

  /// The same, closed by its destructor alone, on the loop thread.
  template <class T, class Open>
  void resource(const std::string& name, Open open, ResourceOptions options = {}) {
    add({.name = name,
         .type = typeid(T),
         .options = options,
         .open = [open = std::move(open)](
                     State& state) mutable { return detail::open_resource<T>(open, state); },
         .close = {},
         .drop = dropper<T>()});
  }

  /// Something to do and to undo that leaves no value behind: registering with a load balancer.
  template <class Open, class Close>
  void step(const std::string& name, Open open, Close close, ResourceOptions options = {}) {
    resource<void>(name, std::move(open), std::move(close), options);
  }

  /// In the order of opening.
  [[nodiscard]] const std::vector<Resource>& resources() const { return resources_; }

 private:
  template <class T>
  static std::function<void(State&)> dropper() {
    if constexpr (std::is_void_v<T>) {
      return [](State&) {};
    } else {
      return [](State& state) { state.erase<T>(); };
    }
  }

  /// Throws std::invalid_argument for an empty or repeated name, or a phase that takes no
  /// resources.
  void add(Resource resource);

  std::vector<Resource> resources_;
};

}  // namespace reeve
