#include "ipc/base/unix_address.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "ipc/base/unique_fd.hpp"

namespace reeve::ipc {

Result<UnixAddress> unix_address(std::string_view path) {
  UnixAddress address;
  address.name.sun_family = AF_UNIX;
  const bool abstract = path.starts_with('@');
  constexpr std::size_t kLongestPath = sizeof(address.name.sun_path) - 1;

  if (path.empty() || path == "@") return failure("unix socket: the path is empty");
  if (path.contains('\0')) return failure("unix socket: the path contains a NUL byte");
  if (path.size() > kLongestPath) {
    return failure(fmt::format("unix socket {}: the path has {} bytes, the kernel allows {}", path,
                               path.size(), kLongestPath));
  }
  std::memcpy(address.name.sun_path, path.data(), path.size());
  if (abstract) address.name.sun_path[0] = '\0';
  // An abstract name ends where its length says, a path with its NUL.
  address.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return address;
}

Result<> clear_stale_socket(const std::string& path, int type) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return system_error("look at", path, errno);
  }
  if (!S_ISSOCK(found.st_mode)) {
    return failure(
        fmt::format("unix socket {}: something else has this name; remove it, or choose "
                    "another path",
                    path));
  }
  auto address = unix_address(path);
  if (!address) return std::unexpected(address.error());

  const UniqueFd probe(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return system_error("open a socket for", path, errno);
  if (::connect(probe.get(), address->get(), address->size) == 0 || errno != ECONNREFUSED) {
    return std::unexpected(
        Error{fmt::format("unix socket {}: another process listens on it; stop that one, or choose "
                          "another path",
                          path),
              EADDRINUSE});
  }
  // Nobody holds it. Gone by itself in the meantime is as good.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("remove", path, errno);
  return {};
}

}  // namespace reeve::ipc
