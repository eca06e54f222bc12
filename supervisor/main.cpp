// `reeve`: reads the command line and the configuration, then hands over to the Master. Wires and
// prints.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "supervisor/config/command_line.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/shell/master.hpp"

namespace reeve::supervisor {
namespace {

int complain(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) {
    fmt::print(stderr, "{}{}\n", error.file.empty() ? "reeve: " : "", to_string(error));
  }
  return exit_code::kCannotStart;
}

int supervise(LoadResult config, const std::string& path) {
  if (!config) return complain(config.error());
  return Master(std::move(*config), path).run();
}

struct Perform {
  int operator()(const RunFile& run) const { return supervise(load_config(run.path), run.path); }

  int operator()(const RunQuick& run) const { return supervise(quick_config(run.options), ""); }

  int operator()(const CheckFile& check) const {
    const LoadResult config = load_config(check.path);
    if (!config) return complain(config.error());
    fmt::print("{}: ok\n{}", check.path, summary(*config));
    return exit_code::kClean;
  }

  int operator()(const ShowText& show) const {
    fmt::print("{}", show.text);
    return exit_code::kClean;
  }
};

}  // namespace
}  // namespace reeve::supervisor

int main(int argc, char** argv) {
  const auto command =
      reeve::supervisor::parse_command_line({argv + std::min(argc, 1), argv + argc});
  if (!command) {
    fmt::print(stderr, "reeve: {}\n", command.error());
    return reeve::supervisor::exit_code::kCannotStart;
  }
  return std::visit(reeve::supervisor::Perform{}, *command);
}
