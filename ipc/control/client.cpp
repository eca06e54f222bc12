#include "ipc/control/client.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include "ipc/base/unix_address.hpp"
#include "ipc/control/parts.hpp"

namespace reeve::ipc::control {
namespace {

constexpr std::string_view kMaster = "the master";

Result<> send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return system_error("send to", kMaster, errno);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<> limit_option(int fd, int option, std::chrono::milliseconds limit) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(limit);
  const timeval time{.tv_sec = seconds.count(),
                     .tv_usec = std::chrono::microseconds(limit - seconds).count()};
  if (::setsockopt(fd, SOL_SOCKET, option, &time, sizeof time) == 0) return {};
  return system_error("limit the wait for", kMaster, errno);
}

/// Waits for the next frame, however long the master takes: a verdict may need a whole drain.
Result<std::string> receive_frame(int fd, FrameReader& frames) {
  std::array<char, 16 << 10> buffer;
  while (true) {
    if (auto frame = frames.next()) return *std::move(frame);
    const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("read from", kMaster, errno);
    if (size == 0) return failure("the master closed the connection before its last reply");
    if (auto fed = frames.feed({buffer.data(), static_cast<std::size_t>(size)}); !fed) {
      return std::unexpected(fed.error());
    }
  }
}

}  // namespace

Result<Client> Client::connect(const std::string& socket_path, std::chrono::milliseconds limit) {
  const auto address = unix_address(socket_path);
  if (!address) return std::unexpected(address.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("open a socket for", socket_path, errno);
  if (auto limited = limit_option(fd.get(), SO_SNDTIMEO, limit); !limited) {
    return std::unexpected(limited.error());
  }
  if (::connect(fd.get(), address->get(), address->size) != 0) {
    return system_error("connect to", socket_path, errno);
  }
  return Client(std::move(fd));
}

Result<> Client::limit_wait(std::chrono::milliseconds limit) {
  return limit_option(fd_.get(), SO_RCVTIMEO, limit);
}

pid_t Client::master_pid() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

Result<Reply> Client::call(const Request& request,
                           const std::function<void(const Reply&)>& on_more) {
  std::string frame = encode(request);
  frame += '\0';
  if (auto sent = send_all(fd_.get(), frame); !sent) return std::unexpected(sent.error());
  Reply whole;
  while (true) {
    const auto answer = receive_frame(fd_.get(), frames_);
    if (!answer) return std::unexpected(answer.error());
    auto reply = decode_reply(*answer);
    if (!reply) return reply;
    if (!request.more) {
      append(whole, *std::move(reply));
      if (!whole.continues) return whole;
    } else if (!reply->continues) {
      return reply;
    } else if (on_more) {
      on_more(*reply);
    }
  }
}

}  // namespace reeve::ipc::control
