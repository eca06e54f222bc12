#include "tests/e2e/harness/shipped_config.hpp"

#include <regex>

#include "tests/e2e/harness/programs.hpp"

namespace reeve::e2e {

std::string shipped_config(std::string_view file, std::string_view address) {
  std::string text = read_file(sources() / "configs" / file);
  const auto replace = [&](const char* pattern, const std::string& by) {
    text = std::regex_replace(text, std::regex(pattern), by);
  };
  if (!address.empty()) {
    replace(R"((^|\n) *address *= *"[^"]*")", "$1address = \"" + std::string(address) + "\"");
  }
  replace(R"((^|\n) *runtime_dir *= *"[^"]*")", "$1");
  replace(R"((^|\n)\[supervisor\])", "$1[supervisor]\nruntime_dir = \"@dir@/run\"");
  replace(R"("[^"]*/hello")", "\"@hello@\"");
  replace(R"("[^"]*/agent")", "\"@agent@\"");
  replace(R"re("(configs[/"]))re", "\"@sources@/$1");
  return text;
}

}  // namespace reeve::e2e
