#include "tests/soak/held_connections.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace reeve::soak {
namespace {

/// Inodes of the process's sockets.
std::set<std::uint64_t> sockets_of(pid_t pid) {
  constexpr std::string_view kSocket = "socket:[";
  std::set<std::uint64_t> inodes;
  std::error_code gone;
  for (const auto& entry :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), gone)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.starts_with(kSocket)) inodes.insert(std::stoull(target.substr(kSocket.size())));
  }
  return inodes;
}

/// "0100007F:1F90" -> 8080
std::uint16_t port_of(const std::string& address) {
  const auto colon = address.find(':');
  if (colon == std::string::npos) return 0;
  return static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1), nullptr, 16));
}

}  // namespace

std::set<std::uint16_t> held_connections(pid_t pid, std::uint16_t port) {
  const std::set<std::uint64_t> own = sockets_of(pid);
  std::set<std::uint16_t> ports;
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);  // The heading.
  while (std::getline(table, line)) {
    // proc(5): sl, local and remote address, st, tx:rx, tr:tm, retrnsmt, uid, timeout, inode
    std::istringstream fields(line);
    std::string number, local, remote, skipped;
    std::uint64_t inode = 0;
    fields >> number >> local >> remote;
    for (int field = 0; field < 6; ++field) fields >> skipped;
    fields >> inode;
    if (port_of(local) == port && own.contains(inode)) ports.insert(port_of(remote));
  }
  return ports;
}

}  // namespace reeve::soak
