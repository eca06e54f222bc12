#include "ipc/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "ipc/base/unix_address.hpp"

namespace reeve::ipc {
namespace {

/// Any socket's name as the kernel takes and gives it.
union SocketName {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

struct Target {
  SocketName name{};
  socklen_t size = 0;
};

Result<Target> target_of(const Address& address) {
  Target target;
  bool valid = false;
  switch (address.kind) {
    case Address::Kind::Tcp4:
      target.size = sizeof(sockaddr_in);
      target.name.v4.sin_family = AF_INET;
      target.name.v4.sin_port = htons(address.port);
      valid = ::inet_pton(AF_INET, address.host.c_str(), &target.name.v4.sin_addr) == 1;
      break;
    case Address::Kind::Tcp6:
      target.size = sizeof(sockaddr_in6);
      target.name.v6.sin6_family = AF_INET6;
      target.name.v6.sin6_port = htons(address.port);
      valid = ::inet_pton(AF_INET6, address.host.c_str(), &target.name.v6.sin6_addr) == 1;
      break;
    case Address::Kind::Unix: {
      const auto name = unix_address(address.path);
      if (!name) return std::unexpected(name.error());
      target.size = name->size;
      target.name.local = name->name;
      return target;
    }
    case Address::Kind::Systemd:
      break;  // systemd has bound it already.
  }
  if (!valid) return system_error("listen on", to_string(address), EINVAL);
  return target;
}

std::string remedy(const Address& address, int code) {
  if (code == EADDRINUSE && address.kind != Address::Kind::Unix) {
    return fmt::format("; another process has the port, `ss -ltnp 'sport = :{}'` shows which",
                       address.port);
  }
  if (code == EADDRINUSE) return "; another process listens on it";
  if (code == EADDRNOTAVAIL) return "; no interface of this machine has that address";
  if (code == EACCES && address.port != 0 && address.port < 1024) {
    return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  }
  return "";
}

std::unexpected<Error> cannot_listen(const Address& address, int code) {
  return std::unexpected(Error{fmt::format("cannot listen on {}: {}{}", to_string(address),
                                           errno_text(code), remedy(address, code)),
                               code});
}

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

bool set_options(int fd, const Address& address) {
  if (!is_tcp(address)) return true;
  if (!send_at_once(fd) || !set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
  return address.kind == Address::Kind::Tcp4 ||
         set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.host == "::" ? 0 : 1);
}

Result<UniqueFd> bind_address(const Address& address, PortSharing sharing) {
  const auto target = target_of(address);
  if (!target) return std::unexpected(target.error());

  UniqueFd fd(::socket(target->name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !set_options(fd.get(), address)) return cannot_listen(address, errno);
  if (sharing == PortSharing::Group && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) {
    return cannot_listen(address, errno);
  }
  if (address.kind == Address::Kind::Unix && !address.path.starts_with('@')) {
    if (auto cleared = clear_stale_socket(address.path, SOCK_STREAM); !cleared) {
      return std::unexpected(cleared.error());
    }
  }
  if (::bind(fd.get(), &target->name.any, target->size) != 0) return cannot_listen(address, errno);
  return fd;
}

std::string text_of(const SocketName& name, socklen_t size) {
  char host[INET6_ADDRSTRLEN] = "";
  if (name.any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &name.v4.sin_addr, host, sizeof(host));
    return fmt::format("{}:{}", host, ntohs(name.v4.sin_port));
  }
  if (name.any.sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &name.v6.sin6_addr, host, sizeof(host));
    return fmt::format("[{}]:{}", host, ntohs(name.v6.sin6_port));
  }
  if (name.any.sa_family != AF_UNIX) return "";

  const std::size_t bytes = size - offsetof(sockaddr_un, sun_path);
  const char* path = name.local.sun_path;
  if (bytes > 1 && path[0] == '\0')
    return fmt::format("unix:@{}", std::string_view(path + 1, bytes - 1));
  return fmt::format("unix:{}", std::string_view(path, ::strnlen(path, bytes)));
}

/// `ask` is getsockname(2) or getpeername(2).
std::optional<std::string> name_of(int fd, decltype(&::getsockname) ask) {
  SocketName name{};
  socklen_t size = sizeof(name);
  if (ask(fd, &name.any, &size) != 0) return std::nullopt;
  return text_of(name, size);
}

}  // namespace

Result<UniqueFd> open_listener(const Address& address, int backlog, PortSharing sharing) {
  auto fd = bind_address(address, sharing);
  // With SO_REUSEADDR a port in use may show only at listen.
  if (fd && ::listen(fd->get(), backlog) != 0) return cannot_listen(address, errno);
  return fd;
}

Result<UniqueFd> reserve_address(const Address& address) {
  auto fd = bind_address(address, PortSharing::Alone);
  if (!fd) return fd;
  // A socket that is bound, but does not listen, would let others with SO_REUSEADDR bind as well.
  if (!set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 0) ||
      !set_option(fd->get(), SOL_SOCKET, SO_REUSEPORT, 1)) {
    return cannot_listen(address, errno);
  }
  return fd;
}

void let_accept_wait(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

bool send_at_once(int fd) { return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

Result<> check_listener(int fd) {
  const auto ask = [fd](int option, int& value) {
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0;
  };
  int type = 0;
  int listens = 0;
  if (!ask(SO_TYPE, type)) {
    return failure(errno == ENOTSOCK ? "it is no socket" : errno_text(errno));
  }
  if (type == SOCK_DGRAM) return failure("it is a datagram socket");
  if (type != SOCK_STREAM) return failure("it is no stream socket");
  if (!ask(SO_ACCEPTCONN, listens) || listens == 0) return failure("it does not listen");
  return {};
}

std::string to_string(const sockaddr_storage& name, unsigned size) {
  SocketName known{};
  std::memcpy(&known, &name, std::min<std::size_t>(size, sizeof known));
  return size < sizeof(sa_family_t) ? "unix:" : text_of(known, size);
}

std::string local_address(int fd) { return name_of(fd, ::getsockname).value_or(""); }

std::optional<std::string> peer_address(int fd) { return name_of(fd, ::getpeername); }

}  // namespace reeve::ipc
