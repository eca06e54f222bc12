#pragma once
// Listening sockets by address. Master: binds and owns them. Worker: binds only when it runs alone.
// Blocking name look-up is refused on purpose: a host is a literal address or "localhost".

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::ipc {

struct Address {
  enum class Kind : std::uint8_t { Tcp4, Tcp6, Unix, Systemd };
  Kind kind = Kind::Tcp4;
  std::string host;  ///< Literal address without brackets (Tcp4, Tcp6).
  std::uint16_t port = 0;
  std::string path;  ///< Unix: the path, '@' first when abstract. Systemd: the fd's name.

  bool operator==(const Address&) const = default;
};

/// Reads "127.0.0.1:8000", "[::]:8000", "*:8000", ":8000", "localhost:8000", "unix:/run/x.sock",
/// "unix:@abstract", "systemd:http". Port 0 lets the kernel choose.
[[nodiscard]] Result<Address> parse_address(std::string_view text);

[[nodiscard]] std::string to_string(const Address& address);

[[nodiscard]] inline bool is_tcp(const Address& address) {
  return address.kind == Address::Kind::Tcp4 || address.kind == Address::Kind::Tcp6;
}

/// Whether other sockets may listen on the same address.
enum class PortSharing : std::uint8_t {
  Alone,
  Group,  ///< SO_REUSEPORT: with those of the same user that say so too. TCP only.
};

/// Binds and listens: CLOEXEC, non-blocking, SO_REUSEADDR; v6 sockets take v4 too when the host is
/// "::". A Unix path is taken over only when nobody listens on it any more. Not for Kind::Systemd.
[[nodiscard]] Result<UniqueFd> open_listener(const Address& address, int backlog,
                                             PortSharing sharing = PortSharing::Alone);

/// Binds a TCP address without listening, so that only sockets opened with PortSharing::Group by
/// the same user can have it. Strangers with SO_REUSEPORT are kept out, unlike by joining them.
[[nodiscard]] Result<UniqueFd> reserve_address(const Address& address);

/// The address a socket is really bound to ("127.0.0.1:43127", "unix:/run/x.sock").
[[nodiscard]] std::string local_address(int fd);

/// The same of the other end; nothing when the socket is not connected.
[[nodiscard]] std::optional<std::string> peer_address(int fd);

}  // namespace reeve::ipc
