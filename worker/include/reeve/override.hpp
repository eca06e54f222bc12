#pragma once
// The stand-in for a value of some type in a test, its type erased: how TestClient::replace() hands
// a replacement to the runtime. Not for applications.

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "reeve/share.hpp"
#include "reeve/state.hpp"

namespace reeve::detail {

template <class T>
using Maker = std::function<std::shared_ptr<T>()>;

/// A T, or a pointer to T that can be shared, stands for itself each time. A function that
/// returns one of these is called each time.
template <class T, class Value>
[[nodiscard]] Maker<T> maker_of(Value value) {
  if constexpr (std::is_invocable_v<Value&>) {
    return
        [function = std::make_shared<Value>(std::move(value))] { return share<T>((*function)()); };
  } else {
    return [shared = share<T>(std::move(value))] { return shared; };
  }
}

/// One replacement. What it replaces is neither opened nor closed: the replacement is destroyed,
/// and nothing else.
struct Override {
  /// The value; called once per start for a resource, once per request for a value of request
  /// scope. On the loop thread; it does not block. May throw.
  Maker<void> make;
  /// Makes it, and puts it into the state under the type that it stands for.
  std::function<void(State&)> put;

  template <class T>
  [[nodiscard]] static Override of(Maker<T> make) {
    return {.make = [make]() -> std::shared_ptr<void> { return make(); },
            .put = [make](State& state) { state.put<T>(make()); }};
  }
};

}  // namespace reeve::detail
