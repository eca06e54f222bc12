#pragma once
// Helpers of the configuration's tests.

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/config.hpp"

namespace reeve::supervisor {

/// A pool that is right, to put wrong things beside. One line.
inline constexpr std::string_view kPool = "[pool.web]\ncommand = [\"true\"]\n";

/// The errors of `result`, a line each.
inline std::vector<std::string> texts_of(const LoadResult& result) {
  std::vector<std::string> texts;
  if (result) return texts;
  for (const ConfigError& error : result.error()) texts.push_back(to_string(error));
  return texts;
}

inline std::vector<std::string> errors_of(std::string_view toml) {
  return texts_of(parse_config(toml, "t.toml"));
}

/// The errors of `[pool.web]` with a command on line 2 and `line` on line 3.
inline std::vector<std::string> pool_errors(std::string_view line) {
  return errors_of(std::string(kPool) + std::string(line));
}

}  // namespace reeve::supervisor
