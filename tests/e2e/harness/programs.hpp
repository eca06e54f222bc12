#pragma once
// Where the binaries under test are, and texts in which they are named.

#include <filesystem>
#include <string>
#include <string_view>

#include "tests/e2e/harness/temp_dir.hpp"

namespace reeve::e2e {

/// "reeve", "reevectl", "hello", "probe": the path of the one that this build made.
[[nodiscard]] std::string binary(std::string_view name);

/// The root of the source tree, where configs/ is.
[[nodiscard]] std::filesystem::path sources();

/// Fills in @hello@, @agent@, @probe@, @sources@, and @dir@, the test's own directory.
[[nodiscard]] std::string expand(std::string_view text, const TempDir& dir);

}  // namespace reeve::e2e
