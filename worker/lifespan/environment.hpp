#pragma once
// Applies an Environment to the process: reads the .env file, sets defaults, checks what is
// required. Before any thread, since setenv(3) is not safe beside getenv(3).

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reeve/environment.hpp"

namespace reeve::worker {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// Reads the text of an environment file. The error names the line: "line 3: no '='".
[[nodiscard]] std::expected<Variables, std::string> parse_environment_file(std::string_view text);

/// The error names every missing variable at once.
[[nodiscard]] std::expected<void, std::string> apply(const Environment& environment);

}  // namespace reeve::worker
