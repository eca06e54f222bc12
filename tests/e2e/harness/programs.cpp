#include "tests/e2e/harness/programs.hpp"

#include <utility>
#include <vector>

namespace reeve::e2e {

std::string binary(std::string_view name) {
  return std::string(REEVE_BINARIES) + "/" + std::string(name);
}

std::filesystem::path sources() { return REEVE_SOURCES; }

std::string expand(std::string_view text, const TempDir& dir) {
  const std::vector<std::pair<std::string_view, std::string>> names = {
      {"@hello@", binary("hello")},   {"@agent@", binary("agent")},
      {"@probe@", binary("probe")},   {"@sources@", sources().string()},
      {"@dir@", dir.path().string()},
  };
  std::string result(text);
  for (const auto& [name, value] : names) {
    for (auto at = result.find(name); at != std::string::npos; at = result.find(name, at)) {
      result.replace(at, name.size(), value);
    }
  }
  return result;
}

}  // namespace reeve::e2e
