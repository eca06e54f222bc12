#include "ipc/notify.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "ipc/base/unix_address.hpp"

namespace reeve::ipc {
namespace {

// A sender that floods the socket with refused datagrams must not hold the loop: after so many, the
// poller calls again.
constexpr int kMaxNotificationsDropped = 64;

/// The sender's pid by the kernel's word, 0 without one. Descriptors that came along are closed,
/// which is also what a sender of BARRIER=1 waits for.
pid_t take_control_data(msghdr& header) {
  pid_t pid = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_CREDENTIALS && part->cmsg_len == CMSG_LEN(sizeof(ucred))) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(part), sizeof(sender));
      pid = sender.pid;
    }
    if (part->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
        UniqueFd{fd};
      }
    }
  }
  return pid;
}

}  // namespace

Result<NotifySocket> NotifySocket::open(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return std::unexpected(address.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error("open a socket for", path, errno);

  // Before bind, so that there is no datagram without credentials.
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
    return system_error("ask for credentials on", path, errno);
  }
  if (!path.starts_with('@')) {
    if (auto cleared = clear_stale_socket(path, SOCK_DGRAM); !cleared) {
      return std::unexpected(cleared.error());
    }
  }
  if (::bind(fd.get(), address->get(), address->size) != 0) {
    return system_error("bind notify socket", path, errno);
  }
  return NotifySocket(std::move(fd), path);
}

std::optional<Notification> NotifySocket::receive() {
  std::array<char, kMaxMessageBytes> text;
  // Room for the credentials and no more, so the kernel has nowhere to put descriptors.
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control;

  for (int drops = 0; drops < kMaxNotificationsDropped; ++drops) {
    iovec part{text.data(), text.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(fd_.get(), &header, MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    const pid_t pid = take_control_data(header);
    if (pid <= 0 || (header.msg_flags & MSG_TRUNC) != 0) continue;
    return Notification{pid, parse_worker_message({text.data(), static_cast<std::size_t>(size)})};
  }
  return std::nullopt;
}

Result<> notify(const std::string& socket_path, std::string_view text) {
  if (!socket_path.starts_with('/') && !socket_path.starts_with('@')) {
    return system_error("notify", socket_path, EAFNOSUPPORT);
  }
  const auto address = unix_address(socket_path);
  if (!address) return std::unexpected(address.error());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error("open a socket for", socket_path, errno);
  if (::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL, address->get(), address->size) <
      0) {
    return system_error("notify", socket_path, errno);
  }
  return {};
}

}  // namespace reeve::ipc
