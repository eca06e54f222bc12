#pragma once
// Applies an Environment to the process: reads the .env file, sets defaults, checks what is
// required. Before any thread, since setenv(3) is not safe beside getenv(3).

#include <expected>
#include <string>

#include "reeve/environment.hpp"

namespace reeve::worker {

/// The error names every missing variable at once.
[[nodiscard]] std::expected<void, std::string> apply(const Environment& environment);

}  // namespace reeve::worker
