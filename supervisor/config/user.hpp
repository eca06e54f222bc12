#pragma once
// The key `user`: whom a pool's workers run as. Start-up and reload only.

#include <string>

#include "supervisor/config/checks.hpp"

namespace reeve::supervisor::config {

void read_user(const Cell& cell, std::string& to);

/// The user exists, and this process may become it. Fills in `run_as`.
void check_user(Sourced<PoolConfig>& pool, const FindUser& find);

}  // namespace reeve::supervisor::config
