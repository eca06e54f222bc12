#pragma once
// Values of request scope: made for each request whose handler asks for them, closed after its
// response was sent. Filled before App::run(), on the main thread; read-only from then on.
//
//   app.provide<Session>(
//       [](const reeve::Request& request, Database& db) -> reeve::Task<std::unique_ptr<Session>> {
//         co_return co_await db.open_session(request.header("Authorization"));
//       },
//       [](Session& session) -> reeve::Task<> { co_await session.commit(); });
//   app.get("/orders", [](Session& session) -> reeve::Task<reeve::Response> { ... });

#include <chrono>
#include <functional>
#include <memory>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <vector>

#include "reeve/parameters.hpp"
#include "reeve/request.hpp"
#include "reeve/share.hpp"
#include "reeve/task.hpp"
#include "reeve/wait.hpp"

namespace reeve {

/// The options of App::provide(), for one type of request scope.
struct ProvideOptions {
  /// Past it a coroutine gets Cancelled, and a blocking function is left behind; either is logged.
  std::chrono::milliseconds close_within{5'000};
};

namespace detail {

/// How the values of one type are made, its type erased.
struct RequestValue {
  std::type_index type;
  std::vector<Wanted> wants;
  ProvideOptions options;
  /// Puts the value where it is told. Failure: an exception; a cancelled one may have put it
  /// nevertheless. Both arguments outlive the task.
  std::function<Task<>(const Request&, std::shared_ptr<void>& into)> open;
  std::function<Task<>(std::shared_ptr<void>)> close;  ///< May be empty.
};

/// A function on a thread cannot be cancelled: what it returns must not be lost, so it puts it
/// there itself.
template <class T, class Open>
Task<> open_value(Open& open, const Request& request, std::shared_ptr<void>& into) {
  if constexpr (TaskType<decltype(call_with_values(open, request))>) {
    auto made = co_await call_with_values(open, request);
    into = share<T>(std::move(made));
  } else {
    co_await offload(
        [&open, &request, &into] { into = share<T>(call_with_values(open, request)); });
  }
}

/// Owns the value: a close that is left behind on a thread still uses it.
template <class T, class Close>
Task<> close_value(Close& close, std::shared_ptr<void> value) {
  T* const typed = static_cast<T*>(value.get());
  co_await run_where_it_belongs([&close, typed]() -> decltype(auto) { return close(*typed); });
}

}  // namespace detail

/// How the values of request scope are made, one way for each type.
class RequestValues {
 public:
  /// Registers how a T is made for a request. `open` takes what a handler takes: the const
  /// Request&, and values of either scope by reference. It returns a T, a unique_ptr<T> or a
  /// shared_ptr<T>, or a Task of one of them; without a Task it may block, and runs on the thread
  /// pool. What it throws is answered as if the handler had thrown it. `close` gets a T& and
  /// returns nothing or a Task<>. It is called after the response was sent, also when the handler
  /// threw, was cancelled, or the client has left; what it throws is logged.
  ///
  /// A request makes each value at most once; they are closed in reverse. Throws
  /// std::invalid_argument for a second provider of T.
  template <class T, class Open, class Close>
  void provide(Open open, Close close, ProvideOptions options = {}) {
    static_assert(std::is_invocable_v<Close&, T&>, "close takes a T&");
    detail::RequestValue value = opened_by<T>(std::move(open), options);
    value.close = [close = std::move(close)](std::shared_ptr<void> closed) mutable {
      return detail::close_value<T>(close, std::move(closed));
    };
    add(std::move(value));
  }
  /// The same, closed by its destructor alone, on the loop thread.
  template <class T, class Open>
  void provide(Open open, ProvideOptions options = {}) {
    add(opened_by<T>(std::move(open), options));
  }

  /// Null when nobody provides it.
  [[nodiscard]] const detail::RequestValue* find(std::type_index type) const;

 private:
  template <class T, class Open>
  static detail::RequestValue opened_by(Open open, ProvideOptions options) {
    static_assert(detail::takes_values<Open>(),
                  "a provider takes a const reeve::Request& and references to values");
    return {
        .type = typeid(T),
        .wants = detail::wanted_by<Open>(),
        .options = options,
        .open =
            [open = std::move(open)](const Request& request, std::shared_ptr<void>& into) mutable {
              return detail::open_value<T>(open, request, into);
            },
        .close = {}};
  }
  void add(detail::RequestValue value);

  std::vector<detail::RequestValue> values_;
};

}  // namespace reeve
