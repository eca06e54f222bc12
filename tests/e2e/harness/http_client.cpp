#include "tests/e2e/harness/http_client.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <ostream>
#include <utility>

namespace reeve::e2e {
namespace {

Loss connect_loss(int code) {
  if (code == ECONNREFUSED) return Loss::Refused;
  if (code == ECONNRESET) return Loss::Reset;
  if (code == EINPROGRESS || code == EAGAIN || code == ETIMEDOUT) return Loss::Timeout;
  return Loss::Client;
}

Loss receive_loss(int code, bool nothing_came) {
  if (code == EAGAIN) return Loss::Timeout;
  return nothing_came ? Loss::Reset : Loss::Incomplete;
}

std::string_view to_string(Reuse reuse) { return reuse == Reuse::Close ? "close" : "keep-alive"; }

/// Bounds connect(2) as well: it honours SO_SNDTIMEO on Linux (socket(7)).
void bound_waits(int fd, Milliseconds patience) {
  const timeval limit{.tv_sec = patience.count() / 1000,
                      .tv_usec = (patience.count() % 1000) * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

}  // namespace

std::string_view to_string(Loss loss) {
  switch (loss) {
    case Loss::Refused:
      return "refused";
    case Loss::Reset:
      return "reset";
    case Loss::Empty:
      return "empty";
    case Loss::Incomplete:
      return "incomplete";
    case Loss::ServerError:
      return "5xx";
    case Loss::Unexpected:
      return "unexpected status";
    case Loss::WrongBody:
      return "wrong body";
    case Loss::Timeout:
      return "timeout";
    case Loss::Client:
      return "client";
  }
  return "?";
}

void PrintTo(Loss loss, std::ostream* out) { *out << to_string(loss); }

std::string get_request(std::string_view path, Reuse reuse) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: test\r\nConnection: {}\r\n\r\n", path,
                     to_string(reuse));
}

std::string post_request(std::string_view path, std::string_view body, Reuse reuse) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: test\r\nConnection: {}\r\nContent-Length: {}\r\n\r\n{}", path,
      to_string(reuse), body.size(), body);
}

std::expected<Connection, Loss> Connection::open(std::uint16_t port, Milliseconds patience) {
  ipc::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(Loss::Client);
  bound_waits(fd.get(), patience);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::unexpected(connect_loss(errno));
  }
  return Connection(std::move(fd));
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Connection::await_bytes(Milliseconds patience) const {
  pollfd wait{fd_.get(), POLLIN, 0};
  ::poll(&wait, 1, static_cast<int>(patience.count()));
}

Answer Connection::receive(bool head) {
  ResponseReader reader(head);
  bool whole = reader.feed(std::exchange(received_, {}));
  std::array<char, 65536> chunk;
  while (!whole) {
    const auto size = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (size < 0) return std::unexpected(receive_loss(errno, reader.empty()));
    if (size == 0) {
      if (reader.end_of_stream()) break;
      return std::unexpected(reader.empty() ? Loss::Empty : Loss::Incomplete);
    }
    whole = reader.feed({chunk.data(), static_cast<std::size_t>(size)});
  }
  return reader.take(received_);
}

Answer Connection::get(std::string_view path, Reuse reuse) {
  send(get_request(path, reuse));
  return receive();
}

std::uint16_t Connection::local_port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool Connection::closed_by_peer() const {
  char byte = 0;
  const auto size = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size == 0 || (size < 0 && errno != EAGAIN);
}

bool Connection::closes_within(Milliseconds patience) const {
  pollfd wait{fd_.get(), POLLIN | POLLRDHUP, 0};
  return ::poll(&wait, 1, static_cast<int>(patience.count())) == 1 && closed_by_peer();
}

Answer get(std::uint16_t port, std::string_view path, Milliseconds patience) {
  auto connection = Connection::open(port, patience);
  if (!connection) return std::unexpected(connection.error());
  return connection->get(path, Reuse::Close);
}

Answer judge(Answer answer) {
  if (!answer || answer->status == 200) return answer;
  return std::unexpected(answer->status >= 500 ? Loss::ServerError : Loss::Unexpected);
}

}  // namespace reeve::e2e
