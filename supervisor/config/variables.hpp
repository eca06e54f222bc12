#pragma once
// The environment variables of a pool: `env`, `env_file` and `required_env`. Complains as Cell
// does.

#include <map>
#include <string>
#include <vector>

#include "supervisor/config/checks.hpp"

namespace reeve::supervisor::config {

void read_env(const Cell& cell, std::map<std::string, std::string>& to);
void read_env_file(const Cell& cell, std::string& to);
void read_required_env(const Cell& cell, std::vector<std::string>& to);

/// Makes the path of the pool's env_file absolute: it is relative to the configuration `file`.
void resolve_env_file(PoolConfig& pool, const std::string& file);

/// Reads the env_file into env_from_file. Looks at files.
void load_env_file(Sourced<PoolConfig>& pool);

/// Each variable of required_env is set, and not to nothing, by env, env_file or the environment of
/// this process; the complaint names all that are not.
void check_required_env(const Sourced<PoolConfig>& pool);

}  // namespace reeve::supervisor::config
