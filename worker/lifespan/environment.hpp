#pragma once
// Applies an Environment to the process: reads the .env file, sets defaults, checks what is
// required. Before any thread, since setenv(3) is not safe beside getenv(3).

#include <expected>
#include <string>

#include "reeve/environment.hpp"
#include "worker/lifespan/redactor.hpp"

namespace reeve::worker {

/// `redactor` learns the secrets. The error is one line that names every mistake at once.
[[nodiscard]] std::expected<void, std::string> apply(const Environment& environment,
                                                     Redactor& redactor);

}  // namespace reeve::worker
