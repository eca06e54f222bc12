#pragma once
// The server's way into a Request, which is read-only for everyone else, and the peer that sent it.

#include <sys/socket.h>

#include <string>

#include "ipc/listener.hpp"
#include "reeve/request.hpp"

namespace reeve::worker {

/// The other end of a connection, as accept reported it. Made into text only when somebody asks.
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

struct RequestAccess {
  using Parts = Request::Parts;

  [[nodiscard]] static Parts& parts(Request& request) { return request.parts_; }
  [[nodiscard]] static const Parts& parts(const Request& request) { return request.parts_; }

  /// Makes room for the next request of the same connection; keeps the memory, the peer and the
  /// state.
  static void clear(Request& request) {
    Parts& parts = request.parts_;
    parts.target = {};
    parts.raw_path = {};
    parts.headers.clear();
    parts.parameters.clear();
    parts.queries.clear();
    parts.path.clear();
    parts.body.clear();
    parts.head.clear();
  }
};

}  // namespace reeve::worker
