#pragma once
// A blocking HTTP client that never retries and can tell how a request was lost.
// Any thread; one connection belongs to one thread at a time.

#include <chrono>
#include <cstdint>
#include <expected>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/unique_fd.hpp"
#include "tests/e2e/harness/eventually.hpp"
#include "tests/e2e/harness/http_response.hpp"

namespace reeve::e2e {

/// How a request was lost.
enum class Loss : std::uint8_t {
  Refused,      ///< nobody listens
  Reset,        ///< a reset, and not a byte of an answer
  Empty,        ///< closed in order, and not a byte of an answer
  Incomplete,   ///< a part of an answer
  ServerError,  ///< an answer, but 5xx
  Unexpected,   ///< an answer, but neither 200 nor 5xx
  WrongBody,    ///< 200, but not what was asked for
  Timeout,      ///< no whole answer in time
  Client        ///< our own machine could not: no port or descriptor was free
};

[[nodiscard]] std::string_view to_string(Loss loss);
void PrintTo(Loss loss, std::ostream* out);

using Answer = std::expected<Response, Loss>;

enum class Reuse : std::uint8_t { Close, KeepAlive };

/// The bytes of a plain GET.
[[nodiscard]] std::string get_request(std::string_view path, Reuse reuse = Reuse::Close);

/// The bytes of a POST with a body.
[[nodiscard]] std::string post_request(std::string_view path, std::string_view body,
                                       Reuse reuse = Reuse::Close);

class Connection {
 public:
  /// Connects to 127.0.0.1. `patience` bounds the connect, and each wait for bytes.
  [[nodiscard]] static std::expected<Connection, Loss> open(std::uint16_t port,
                                                            Milliseconds patience = kPatience);

  /// Sends all of `bytes`. A failure to send is told by receive(): an early answer may be there.
  void send(std::string_view bytes);
  /// Waits until something of a response is here, or the peer closes; no longer than `patience`.
  void await_bytes(Milliseconds patience) const;
  /// The next response, of any status.
  [[nodiscard]] Answer receive(bool head = false);
  [[nodiscard]] Answer get(std::string_view path, Reuse reuse = Reuse::KeepAlive);

  /// Ours, of the socket: what the server's side knows this connection by.
  [[nodiscard]] std::uint16_t local_port() const;
  /// The peer has closed, and nothing is left to read. Never waits.
  [[nodiscard]] bool closed_by_peer() const;
  /// Waits until the peer closes; false when it did not, or when it sent something instead.
  [[nodiscard]] bool closes_within(Milliseconds patience) const;

 private:
  explicit Connection(ipc::UniqueFd fd) : fd_(std::move(fd)) {}

  ipc::UniqueFd fd_;
  std::string received_;  ///< what came after the last response
};

/// One request on a connection of its own.
[[nodiscard]] Answer get(std::uint16_t port, std::string_view path,
                         Milliseconds patience = kPatience);

/// How a request was lost, or nothing when there is an answer, of any status.
[[nodiscard]] inline std::optional<Loss> loss_of(const Answer& answer) {
  return answer ? std::nullopt : std::optional(answer.error());
}

/// What a load client thinks of an answer: 200 is fine, everything else is lost.
[[nodiscard]] Answer judge(Answer answer);

}  // namespace reeve::e2e
