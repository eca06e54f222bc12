#pragma once
// A server that loses every request in one given way, for testing the client that must tell them
// apart. Answers on a thread of its own, one connection at a time.

#include <cstdint>
#include <functional>
#include <thread>

#include "ipc/base/unique_fd.hpp"

namespace reeve::e2e {

class LossyServer {
 public:
  /// `serve` gets each accepted connection, which is closed when it returns.
  explicit LossyServer(std::function<void(int connection)> serve);
  ~LossyServer();
  LossyServer(const LossyServer&) = delete;
  LossyServer& operator=(const LossyServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  ipc::UniqueFd listener_;
  std::uint16_t port_;
  std::function<void(int)> serve_;
  std::jthread thread_;
};

/// Reads one request (no body) off the connection. False when the client has closed it.
bool read_request(int connection);
/// Makes the close of this connection a reset.
void reset_on_close(int connection);
void write_text(int connection, const char* text);

}  // namespace reeve::e2e
