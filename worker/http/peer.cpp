#include "worker/http/peer.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace reeve::worker {

std::string Peer::text() const {
  if (size_ < sizeof(sa_family_t)) return "unix:";
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (address_.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address_, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
    return fmt::format("{}:{}", host.data(), ntohs(v4.sin_port));
  }
  if (address_.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address_, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
    return fmt::format("[{}]:{}", host.data(), ntohs(v6.sin6_port));
  }
  return "unix:";
}

}  // namespace reeve::worker
