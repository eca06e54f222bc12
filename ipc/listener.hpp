#pragma once
// Listening sockets by address. Master: binds and owns them. Worker: binds only when it runs alone.

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/address.hpp"
#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::ipc {

/// Whether other sockets may listen on the same address.
enum class PortSharing : std::uint8_t {
  Alone,
  Group,  ///< SO_REUSEPORT: with those of the same user that say so too. TCP only.
};

/// Binds and listens: CLOEXEC, non-blocking, SO_REUSEADDR, TCP_NODELAY; v6 sockets take v4 too when
/// the host is
/// "::". A Unix path is taken over only when nobody listens on it any more. Not for Kind::Systemd.
[[nodiscard]] Result<UniqueFd> open_listener(const Address& address, int backlog,
                                             PortSharing sharing = PortSharing::Alone);

/// Binds a TCP address without listening, so that only sockets opened with PortSharing::Group by
/// the same user can have it. Strangers with SO_REUSEPORT are kept out, unlike by joining them.
[[nodiscard]] Result<UniqueFd> reserve_address(const Address& address);

/// accept(2) on it waits for a connection, as on a socket of systemd's: many a program relies on
/// that, and one that does not changes it.
void let_accept_wait(int fd);

/// TCP_NODELAY, which accepted connections inherit: a program that takes its inherited listener for
/// no TCP socket would let each answer wait for an ACK. False: it is none, or may not.
bool send_at_once(int fd);

/// Whether connections can be accepted from a descriptor that somebody else has opened. The error
/// only says what it is instead: "it is a datagram socket".
[[nodiscard]] Result<> check_listener(int fd);

/// A socket's name as accept(2) and its like report it: "127.0.0.1:43127", "[::1]:43127",
/// "unix:/run/x.sock"; "unix:" where it has none.
[[nodiscard]] std::string to_string(const sockaddr_storage& name, unsigned size);

/// The address a socket is really bound to ("127.0.0.1:43127", "unix:/run/x.sock").
[[nodiscard]] std::string local_address(int fd);

/// The same of the other end; nothing when the socket is not connected.
[[nodiscard]] std::optional<std::string> peer_address(int fd);

}  // namespace reeve::ipc
