#pragma once
// The key `user`: whom a pool's workers run as; and whom a listener's file belongs to. Start-up and
// reload only.

#include <string>

#include "supervisor/config/checks.hpp"

namespace reeve::supervisor::config {

void read_user(const Cell& cell, std::string& to);

/// Looks up `owner` and `group` of a listener's file.
void check_owner(Sourced<ListenerConfig>& listener, const FindUser& find);

/// The user exists, and this process may become it. Fills in `run_as`.
void check_user(Sourced<PoolConfig>& pool, const FindUser& find);

}  // namespace reeve::supervisor::config
