#pragma once
// Names of Unix sockets, and what to do with a name that a dead process left behind.
// A leading '@' stands for the abstract namespace, as in systemd and nginx (unix(7)).

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <string_view>

#include "ipc/base/error.hpp"

namespace reeve::ipc {

struct UnixAddress {
  sockaddr_un name{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

/// An error when `path` is empty, contains NUL or is longer than the kernel allows (107 bytes).
[[nodiscard]] Result<UnixAddress> unix_address(std::string_view path);

/// Makes `path` free to bind: removes a socket of `type` (SOCK_STREAM, SOCK_DGRAM) that nobody
/// holds. A live socket, and anything that is not a socket, is an error and stays.
[[nodiscard]] Result<> clear_stale_socket(const std::string& path, int type);

}  // namespace reeve::ipc
