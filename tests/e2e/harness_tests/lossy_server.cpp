#include "tests/e2e/harness_tests/lossy_server.hpp"

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "tests/e2e/harness/sockets.hpp"

namespace reeve::e2e {

LossyServer::LossyServer(std::function<void(int)> serve)
    : listener_(listen_on_loopback()),
      port_(port_of(listener_.get())),
      serve_(std::move(serve)),
      thread_([this] {
        for (;;) {
          const ipc::UniqueFd connection(
              ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
          if (!connection) return;  // The destructor has shut the listener down.
          serve_(connection.get());
        }
      }) {}

LossyServer::~LossyServer() { ::shutdown(listener_.get(), SHUT_RDWR); }

bool read_request(int connection) {
  std::string received;
  std::array<char, 4096> chunk;
  while (!received.ends_with("\r\n\r\n")) {
    const auto size = ::recv(connection, chunk.data(), chunk.size(), 0);
    if (size <= 0) return false;
    received.append(chunk.data(), static_cast<std::size_t>(size));
  }
  return true;
}

void reset_on_close(int connection) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void write_text(int connection, const char* text) {
  (void)::send(connection, text, std::strlen(text), MSG_NOSIGNAL);
}

}  // namespace reeve::e2e
