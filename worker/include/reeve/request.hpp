#pragma once
// One HTTP request as a handler sees it: complete, checked, read-only, and alive until the handler
// has returned. It owns its bytes; the views that it hands out live as long as it does. Belongs to
// the one thread that runs the handler.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "reeve/background.hpp"
#include "reeve/state.hpp"

namespace reeve {

/// The methods that a handler can be registered for; any other is answered with 501.
enum class Method : std::uint8_t { Get, Head, Post, Put, Patch, Delete, Options };
/// How many there are.
inline constexpr std::size_t kMethods = 7;

/// "GET"
[[nodiscard]] std::string_view to_string(Method method);
/// Nothing for a method that is not served; names are case-sensitive (RFC 9110 section 9.1).
[[nodiscard]] std::optional<Method> parse_method(std::string_view name);

/// One field of a request, without the blanks around its value.
struct Header {
  std::string_view name;   ///< as it was sent, in any case
  std::string_view value;  ///< without the blanks around it
};

/// A decoded name and value, from the query or from the path.
struct Parameter {
  std::string name;   ///< decoded
  std::string value;  ///< decoded; empty for "?name"
};

namespace worker {
struct RequestAccess;  // How the server fills a request in.
class Peer;
class RequestScope;

/// What a request leaves behind, for the one that answers it.
class BackgroundSink {
 public:
  /// Takes a background task, or throws BackgroundFull. On the thread of the handler.
  virtual void add(detail::BackgroundWork work) = 0;
  /// Any thread.
  [[nodiscard]] virtual bool disconnected() const = 0;

 protected:
  ~BackgroundSink() = default;
};
}  // namespace worker

namespace detail {
struct ValueAccess;
}

/// What a client has asked, whole: its body was read before the handler was called. It lives until
/// the handler has ended; what outlives that must copy. Read-only.
class Request {
 public:
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// HEAD stays HEAD, also where the handler of GET answers.
  [[nodiscard]] Method method() const { return parts_.method; }
  /// As it was sent: "/users/J%C3%B6rg?full=1".
  [[nodiscard]] std::string_view target() const { return parts_.target; }
  /// Percent-decoded, without the query: "/users/Jörg".
  [[nodiscard]] std::string_view path() const { return parts_.path; }

  /// A `{name}` of the route's pattern, decoded. Empty when the pattern has no such name.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
  /// The first query parameter of that name, decoded.
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const;
  /// All of them, decoded, as they were sent.
  [[nodiscard]] std::span<const Parameter> queries() const { return parts_.queries; }

  /// The first header of that name, in any case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  /// All of them, as they were sent.
  [[nodiscard]] std::span<const Header> headers() const { return parts_.headers; }

  /// Whole, and without the framing of chunks. Up to HttpLimits::body_bytes.
  [[nodiscard]] std::string_view body() const { return parts_.body; }

  /// The peer: "127.0.0.1:43127", "[::1]:43127" or "unix:".
  [[nodiscard]] std::string client() const;

  /// What the lifespan opened of type T.
  template <class T>
  [[nodiscard]] T& state() const {
    return parts_.state->get<T>();
  }
  /// What App::provide<T>() made for this request, because the handler, or a provider for it, has a
  /// parameter of that type. Throws std::out_of_range, which names the type, when it has not.
  template <class T>
  [[nodiscard]] T& scoped() const {
    return *static_cast<T*>(require_scoped(typeid(T)));
  }

  /// Leaves something to be done after the response was sent and the values of this request were
  /// closed: a coroutine, or a function that may block and runs on the thread pool. It must own
  /// what it uses: the request is gone by then. `name` is what the log calls it. What it throws is
  /// logged. A drain waits for it; when the grace is spent it is cancelled, and named.
  ///
  /// The task is dropped when the handler, or the producer of its stream, fails, or the handler is
  /// cancelled: such a request promises nothing. Once the handler has returned it runs also when
  /// the client leaves before it has all of the response. Throws BackgroundFull beyond
  /// BackgroundLimits::at_most, std::logic_error after the response was sent.
  template <class Function>
  void background(std::string name, Function&& function) const {
    add_background(detail::make_background<std::decay_t<Function>>(
        std::move(name), std::forward<Function>(function)));
  }

  /// The client has closed the connection, so nobody waits for the answer. A coroutine need not
  /// ask: it is cancelled. Any thread.
  [[nodiscard]] bool disconnected() const;

 private:
  friend struct worker::RequestAccess;
  friend struct detail::ValueAccess;

  /// The value of request scope if there is one, else that of process scope, else null.
  [[nodiscard]] void* find_value(const std::type_info& type) const;
  [[nodiscard]] void* require_value(const std::type_info& type) const;
  [[nodiscard]] void* require_scoped(const std::type_info& type) const;
  void add_background(detail::BackgroundWork work) const;

  struct Parts {
    Method method = Method::Get;
    std::string head;  ///< What `target` and `headers` look into.
    std::string_view target;
    std::string_view raw_path;  ///< Still encoded: what routes are matched against.
    std::string path;
    std::vector<Parameter> parameters;
    std::vector<Parameter> queries;
    std::vector<Header> headers;
    std::string body;
    const worker::Peer* peer = nullptr;
    State* state = nullptr;
    const worker::RequestScope* scope = nullptr;
    worker::BackgroundSink* background = nullptr;
  };
  Parts parts_;
};

}  // namespace reeve
