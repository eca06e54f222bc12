#pragma once
// The key `limits`: what a worker may take at most. Knows the names of setrlimit(2); the launcher
// asks for their numbers.

#include <optional>
#include <string_view>

#include "supervisor/config/checks.hpp"

namespace reeve::supervisor {

/// The RLIMIT_ number of a name of Limits::resources: RLIMIT_NOFILE of "nofile". Their values are
/// for setrlimit(2) as they are; "unlimited" is RLIM_INFINITY.
[[nodiscard]] std::optional<int> resource_number(std::string_view name);

namespace config {

void read_limits(const Cell& cell, Limits& to);

/// This process may set each limit for its children. Asks the kernel.
void check_limits(const Sourced<PoolConfig>& pool);

}  // namespace config
}  // namespace reeve::supervisor
