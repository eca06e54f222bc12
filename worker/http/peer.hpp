#pragma once
// The other end of a connection, as accept reported it. Made into text only when somebody asks.

#include <sys/socket.h>

#include <string>

#include "ipc/listener.hpp"

namespace reeve::worker {

class Peer {
 public:
  Peer() = default;
  Peer(const sockaddr_storage& address, socklen_t size) : address_(address), size_(size) {}

  /// "127.0.0.1:43127", "[::1]:43127", or "unix:" for a Unix socket.
  [[nodiscard]] std::string text() const { return ipc::to_string(address_, size_); }

 private:
  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

}  // namespace reeve::worker
