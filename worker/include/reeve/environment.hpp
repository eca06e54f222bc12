#pragma once
// The first phase of a lifespan: what the program expects of its environment variables. Declared
// once, read with getenv(3) afterwards. It refuses to be a configuration system.

#include <string>
#include <utility>
#include <vector>

namespace reeve {

/// Applied in this order; a variable that is set already always wins.
struct Environment {
  /// A file of NAME=value lines, `#` comments and optional quotes. Empty: none. A missing file is
  /// skipped.
  std::string file;
  std::vector<std::pair<std::string, std::string>> defaults;
  /// Must be set and not empty in the end, or the worker does not start.
  std::vector<std::string> required;
};

}  // namespace reeve
