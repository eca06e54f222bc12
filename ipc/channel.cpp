#include "ipc/channel.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "ipc/message.hpp"

namespace reeve::ipc {
namespace {

// A worker that floods its channel with oversized messages must not hold the loop: after so many,
// the poller calls again.
constexpr int kMaxMessagesDropped = 16;

}  // namespace

Result<std::pair<Channel, Channel>> Channel::pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    return system_error("open", "a worker's channel", errno);
  }
  return std::pair(Channel(UniqueFd(fds[0])), Channel(UniqueFd(fds[1])));
}

Result<> Channel::send(std::string_view text) const {
  // An empty packet would look like an end-of-file to the peer.
  if (text.empty()) return system_error("send", "an empty message on the channel", EINVAL);
  if (text.size() > kMaxMessageBytes) return system_error("send on", "the channel", EMSGSIZE);
  ssize_t sent = 0;
  do {
    sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return system_error("send on", "the channel", errno);
  return {};
}

std::expected<std::string, Channel::End> Channel::receive() const {
  std::array<char, kMaxMessageBytes> buffer;
  for (int drops = 0; drops < kMaxMessagesDropped;) {
    iovec part{buffer.data(), buffer.size()};
    msghdr header{};  // No room for control data: the kernel closes descriptors that come along.
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const ssize_t size = ::recvmsg(fd_.get(), &header, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return std::unexpected(End::Empty);
    if (size <= 0) return std::unexpected(End::Closed);
    if ((header.msg_flags & MSG_TRUNC) == 0) {
      return std::string(buffer.data(), static_cast<std::size_t>(size));
    }
    ++drops;
  }
  return std::unexpected(End::Empty);
}

}  // namespace reeve::ipc
