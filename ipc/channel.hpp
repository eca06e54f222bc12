#pragma once
// The private line between the master and one native worker: a SOCK_SEQPACKET pair, one message per
// packet. Its end-of-file tells each side that the other is gone. Non-blocking; one thread per
// side.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::ipc {

class Channel {
 public:
  enum class End : std::uint8_t { Empty, Closed };

  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}

  /// Both ends, CLOEXEC and non-blocking: the first is the master's.
  [[nodiscard]] static Result<std::pair<Channel, Channel>> pair();

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Sends one message of at most kMaxMessageBytes. A full queue is an error (EAGAIN), never a
  /// wait.
  [[nodiscard]] Result<> send(std::string_view text) const;

  /// The next message; Empty when there is none now, Closed when the peer is gone. Oversized
  /// messages and descriptors that came along are dropped.
  [[nodiscard]] std::expected<std::string, End> receive() const;

 private:
  UniqueFd fd_;
};

}  // namespace reeve::ipc
