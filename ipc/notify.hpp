#pragma once
// sd_notify(3) both ways: the master receives from workers and sends to systemd above it.
// The sender of each datagram is known from the kernel (SCM_CREDENTIALS), never from the text.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/message.hpp"

namespace reeve::ipc {

struct Notification {
  pid_t pid;  ///< The sender, as the kernel saw it.
  WorkerMessage message;
};

/// The master's NOTIFY_SOCKET: a bound datagram socket, non-blocking.
class NotifySocket {
 public:
  /// Binds `path` (a leading '@' means abstract), replacing a stale one.
  [[nodiscard]] static Result<NotifySocket> open(const std::string& path);

  /// A socket that open() has made in the process before this one.
  [[nodiscard]] static NotifySocket adopt(UniqueFd fd, std::string path) {
    return {std::move(fd), std::move(path)};
  }

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// The next datagram, or nothing when there is none. Datagrams that are truncated or have no
  /// credentials are dropped; descriptors that came along are closed.
  [[nodiscard]] std::optional<Notification> receive();

 private:
  NotifySocket(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

/// Sends one sd_notify datagram to the socket that $NOTIFY_SOCKET names. Never blocks.
/// An error is for the caller to ignore aloud: nobody may be listening.
[[nodiscard]] Result<> notify(const std::string& socket_path, std::string_view text);

}  // namespace reeve::ipc
