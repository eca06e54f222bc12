#pragma once
// Where a listener listens, as a value and as text. Pure: opens nothing.
// Blocking name look-up is refused on purpose: a host is a literal address or "localhost".

#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/base/error.hpp"
#include "ipc/format/fields.hpp"

namespace reeve::ipc {

struct Address {
  enum class Kind : std::uint8_t { Tcp4, Tcp6, Unix, Systemd };
  Kind kind = Kind::Tcp4;
  std::string host;  ///< Literal address without brackets (Tcp4, Tcp6).
  std::uint16_t port = 0;
  std::string path;  ///< Unix: the path, '@' first when abstract. Systemd: the fd's name.

  bool operator==(const Address&) const = default;
};
constexpr Address::Kind last_of(Address::Kind) { return Address::Kind::Systemd; }
/// No kind stands for one that is not known: who reads it from another version refuses it.
void must_be_known(Address::Kind);
REEVE_FIELDS(Address, kind, host, port, path)

/// Reads "127.0.0.1:8000", "[::]:8000", "*:8000", ":8000", "localhost:8000", "unix:/run/x.sock",
/// "unix:@abstract", "systemd:http". Port 0 lets the kernel choose.
[[nodiscard]] Result<Address> parse_address(std::string_view text);

[[nodiscard]] std::string to_string(const Address& address);

[[nodiscard]] inline bool is_tcp(const Address& address) {
  return address.kind == Address::Kind::Tcp4 || address.kind == Address::Kind::Tcp6;
}

/// Whether a listener at `wide` leaves nothing for one at `other`: a wildcard takes the addresses
/// of its family, "[::]" those of both.
[[nodiscard]] inline bool covers(const Address& wide, const Address& other) {
  if (!is_tcp(wide) || !is_tcp(other) || wide.port != other.port) return false;
  if (wide.host == "::") return true;
  return wide == other || (wide.host == "0.0.0.0" && other.kind == Address::Kind::Tcp4);
}

}  // namespace reeve::ipc
