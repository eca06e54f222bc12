#pragma once
// Which connections a process holds, as the kernel sees it. Any thread.

#include <sys/types.h>

#include <cstdint>
#include <set>

namespace reeve::soak {

/// The clients' ports of every TCP connection that the process has accepted on `port` and not
/// closed yet. IPv4. Only of a stopped process does the answer stay true.
[[nodiscard]] std::set<std::uint16_t> held_connections(pid_t pid, std::uint16_t port);

}  // namespace reeve::soak
