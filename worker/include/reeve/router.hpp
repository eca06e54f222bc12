#pragma once
// Which handler answers which method and path. Where a handler runs follows from its type, at
// compile time:
//   Response handler(const Request&)          may block: runs on the thread pool
//   Task<Response> handler(const Request&)    a coroutine: runs on the loop
// The argument may be left out, and any number of T& added: values that are found by their type,
// see parameters.hpp. Filled before the worker listens; read-only from then on.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "reeve/parameters.hpp"
#include "reeve/request.hpp"
#include "reeve/response.hpp"
#include "reeve/task.hpp"

namespace reeve {

namespace worker {
struct Activity;
}

using BlockingHandler = std::move_only_function<Response(const Request&) const>;
using AsyncHandler = std::move_only_function<Task<Response>(const Request&) const>;
using Handler = std::variant<BlockingHandler, AsyncHandler>;

namespace detail {

template <class Function>
Handler make_handler(Function function) {
  constexpr bool kCallable = takes_values<const Function>();
  static_assert(kCallable,
                "a handler takes a const reeve::Request&, references to values of process or "
                "request scope, pointers to optional ones, or nothing; a generic lambda only the "
                "request");
  if constexpr (kCallable) {
    using Result =
        decltype(call_with_values(std::declval<const Function&>(), std::declval<const Request&>()));
    constexpr bool kBlocking = std::is_same_v<Result, Response>;
    constexpr bool kAsync = std::is_same_v<Result, Task<Response>>;
    static_assert(kBlocking || kAsync,
                  "a handler returns reeve::Response (it may block, and runs on the thread pool) "
                  "or reeve::Task<reeve::Response> (a coroutine, which runs on the loop)");
    auto call = [function = std::move(function)](const Request& request) {
      return call_with_values(function, request);
    };
    if constexpr (kBlocking) return BlockingHandler(std::move(call));
    if constexpr (kAsync) return AsyncHandler(std::move(call));
  }
  std::unreachable();
}

/// get() and its like, for a class with a route(method, pattern, handler).
template <class Self>
class RouteMethods {
 public:
  /// Registers a handler. A pattern is a path whose segments may be parameters:
  /// "/users/{id}/posts/{post}". A literal segment wins over a parameter. Throws
  /// std::invalid_argument for a malformed pattern or one registered twice.
  template <class Function>
  Self& get(std::string_view pattern, Function&& handler) {
    return self().route(Method::Get, pattern, std::forward<Function>(handler));
  }
  /// The same for POST.
  template <class Function>
  Self& post(std::string_view pattern, Function&& handler) {
    return self().route(Method::Post, pattern, std::forward<Function>(handler));
  }
  /// The same for PUT.
  template <class Function>
  Self& put(std::string_view pattern, Function&& handler) {
    return self().route(Method::Put, pattern, std::forward<Function>(handler));
  }
  /// The same for PATCH.
  template <class Function>
  Self& patch(std::string_view pattern, Function&& handler) {
    return self().route(Method::Patch, pattern, std::forward<Function>(handler));
  }
  /// The same for DELETE.
  template <class Function>
  Self& del(std::string_view pattern, Function&& handler) {
    return self().route(Method::Delete, pattern, std::forward<Function>(handler));
  }

 private:
  Self& self() { return static_cast<Self&>(*this); }
};

}  // namespace detail

/// The handlers, by method and path. Filled on the main thread before App::run(); read-only, for
/// any thread, from then on.
class Router : public detail::RouteMethods<Router> {
 public:
  /// A route as it was registered.
  struct Route {
    std::string name;                                  ///< "GET /users/{id}"
    Handler handler;                                   ///< its types erased
    std::vector<detail::Wanted> wants;                 ///< the values that its parameters ask for
    std::shared_ptr<const worker::Activity> activity;  ///< What the watch calls it.
  };

  /// What `match` found. A route; or, when `allow` is not empty, a path without that method; or
  /// nothing.
  struct Match {
    const Route* route = nullptr;  ///< null when there is none
    std::string allow;             ///< for the Allow header: "GET, HEAD, OPTIONS"
  };

  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// Registers a handler for any method.
  template <class Function>
  Router& route(Method method, std::string_view pattern, Function&& handler) {
    using Plain = std::decay_t<Function>;
    add(method, pattern, detail::make_handler<Plain>(std::forward<Function>(handler)),
        detail::wanted_by<const Plain>());
    return *this;
  }

  /// All routes, by their pattern.
  [[nodiscard]] std::vector<const Route*> routes() const;

  /// Finds the handler for an encoded path, and fills in its decoded parameters. HEAD falls back to
  /// GET.
  [[nodiscard]] Match match(Method method, std::string_view path,
                            std::vector<Parameter>& parameters) const;

 private:
  struct Node;
  void add(Method method, std::string_view pattern, Handler handler,
           std::vector<detail::Wanted> wants);

  std::unique_ptr<Node> root_;
};

}  // namespace reeve
