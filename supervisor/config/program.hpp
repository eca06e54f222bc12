#pragma once
// Finds the program of a command as execvp(3) would, so that a missing one is an error of the
// configuration instead of a crash loop. Looks at files.

#include <expected>
#include <string>

#include "supervisor/config/config.hpp"

namespace reeve::supervisor {

/// The path to execute for the pool's command: absolute, or relative to its working directory.
/// A name without '/' is sought in the PATH of the pool's env, else of its env_file, else in the
/// master's.
/// The error says why there is none: `no program "uvicorn" in PATH`.
[[nodiscard]] std::expected<std::string, std::string> find_program(const PoolConfig& pool);

}  // namespace reeve::supervisor
