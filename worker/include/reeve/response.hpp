#pragma once
// The answer of a handler. A value; the server adds Date, Content-Length or chunked, and
// Connection.

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "reeve/headers.hpp"
#include "reeve/stream.hpp"
#include "reeve/task.hpp"

namespace reeve {

/// What a handler answers: a status, header fields, and a body that is whole or streamed. A value,
/// for one thread at a time.
class Response {
 public:
  /// Writes the body of a streamed response. A coroutine on the loop, also when the handler was
  /// not. What it throws cuts the connection, so that the client can tell.
  using Producer = std::function<Task<>(StreamWriter&)>;

  /// An empty response. Throws std::invalid_argument for a status outside of 200 to 599.
  explicit Response(int status = 200);

  /// text/plain, in UTF-8.
  [[nodiscard]] static Response text(std::string body, int status = 200);
  /// text/html, in UTF-8.
  [[nodiscard]] static Response html(std::string body, int status = 200);
  /// `body` is JSON already.
  [[nodiscard]] static Response json(std::string body, int status = 200);
  /// 303 makes the client GET `location`; 307 and 308 make it repeat the request there.
  [[nodiscard]] static Response redirect(std::string_view location, int status = 303);
  /// Sends what `producer` writes, chunk by chunk. The producer is not run for HEAD.
  [[nodiscard]] static Response stream(std::string_view content_type, Producer producer);

  /// Appends a header field: Response::text("x").header("Cache-Control", "no-store").
  Response& header(std::string_view name, std::string_view value) & {
    headers_.add(name, value);
    return *this;
  }
  /// The same of a temporary.
  Response&& header(std::string_view name, std::string_view value) && {
    headers_.add(name, value);
    return std::move(*this);
  }

  /// As it was made with.
  [[nodiscard]] int status() const { return status_; }
  /// The header fields, without those that the server adds (Date, Content-Length, Connection).
  [[nodiscard]] Headers& headers() { return headers_; }
  /// The same, to read.
  [[nodiscard]] const Headers& headers() const { return headers_; }
  /// The whole body; empty when it is streamed.
  [[nodiscard]] std::string& body() { return body_; }
  /// The same, to read.
  [[nodiscard]] const std::string& body() const { return body_; }
  /// Empty unless the response is streamed.
  [[nodiscard]] const Producer& producer() const { return producer_; }

 private:
  Response(int status, std::string_view content_type, std::string body);

  int status_;
  Headers headers_;
  std::string body_;
  Producer producer_;
};

}  // namespace reeve
