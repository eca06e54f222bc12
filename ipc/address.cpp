// The text form of a listener's address.

#include "ipc/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/base/unix_address.hpp"

namespace reeve::ipc {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kSystemd = "systemd:";

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return failure(fmt::format("address \"{}\": {}", text, why));
}

/// The canonical form of a literal host, so that equal addresses compare equal.
template <class Binary>
std::optional<std::string> normalize(int family, const std::string& host) {
  Binary binary{};
  char text[INET6_ADDRSTRLEN];
  if (::inet_pton(family, host.c_str(), &binary) != 1) return std::nullopt;
  return ::inet_ntop(family, &binary, text, sizeof(text));
}

Result<Address> parse_unix(std::string_view text) {
  const std::string_view path = text.substr(kUnix.size());
  if (const auto valid = unix_address(path); !valid) return std::unexpected(valid.error());
  return Address{.kind = Address::Kind::Unix, .host = {}, .port = 0, .path = std::string(path)};
}

Result<Address> parse_systemd(std::string_view text) {
  const std::string_view name = text.substr(kSystemd.size());
  if (name.empty())
    return refuse(text, "no name; write the FileDescriptorName= of the socket unit");
  return Address{.kind = Address::Kind::Systemd, .host = {}, .port = 0, .path = std::string(name)};
}

Result<Address> parse_tcp(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    const bool only_port = parse_number<std::uint16_t>(text).has_value();
    return refuse(text, only_port ? fmt::format("no host; write \":{}\" for every interface", text)
                                  : "no port; write HOST:PORT or unix:/PATH");
  }
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return refuse(text, "the port is not a number from 0 to 65535");

  std::string host(text.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto normal = normalize<in6_addr>(AF_INET6, host.substr(1, host.size() - 2));
    if (!normal) return refuse(text, "what is in the brackets is not an IPv6 address");
    return Address{.kind = Address::Kind::Tcp6, .host = *normal, .port = *port, .path = {}};
  }
  if (host.empty() || host == "*") host = "0.0.0.0";
  if (host == "localhost") host = "127.0.0.1";
  if (const auto normal = normalize<in_addr>(AF_INET, host)) {
    return Address{.kind = Address::Kind::Tcp4, .host = *normal, .port = *port, .path = {}};
  }
  if (host.contains(':'))
    return refuse(text, "an IPv6 address needs brackets, as in \"[::1]:8000\"");
  return refuse(text,
                "the host is neither a literal address nor localhost; names are not looked up");
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  if (text.starts_with(kUnix)) return parse_unix(text);
  if (text.starts_with(kSystemd)) return parse_systemd(text);
  return parse_tcp(text);
}

std::string to_string(const Address& address) {
  switch (address.kind) {
    case Address::Kind::Tcp4:
      return fmt::format("{}:{}", address.host, address.port);
    case Address::Kind::Tcp6:
      return fmt::format("[{}]:{}", address.host, address.port);
    case Address::Kind::Unix:
      return fmt::format("{}{}", kUnix, address.path);
    case Address::Kind::Systemd:
      return fmt::format("{}{}", kSystemd, address.path);
  }
  std::unreachable();
}

}  // namespace reeve::ipc
