// `reeve`: reads the command line and the configuration, then hands over to the Master. Wires and
// prints.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ipc/base/standard_descriptors.hpp"
#include "ipc/base/text.hpp"
#include "supervisor/config/command_line.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/helper/process.hpp"
#include "supervisor/master/start.hpp"
#include "supervisor/system/exit_code.hpp"
#include "supervisor/upgrade/own_binary.hpp"
#include "supervisor/upgrade/takeover.hpp"
#include "supervisor/upgrade/upgrade_trial.hpp"

namespace reeve::supervisor {
namespace {

int complain(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) {
    fmt::print(stderr, "{}{}\n", error.file.empty() ? "reeve: " : "", to_string(error));
  }
  return exit_code::kCannotStart;
}

int supervise(LoadResult config, const std::string& path, const OwnBinary& own_binary) {
  if (!config) return complain(config.error());
  return run_master(*config, path, own_binary);
}

struct Perform {
  const OwnBinary& own_binary;

  int operator()(const RunFile& run) const {
    return supervise(load_config(run.path), run.path, own_binary);
  }

  int operator()(const RunQuick& run) const {
    return supervise(quick_config(run.options), "", own_binary);
  }

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

/// What one master asks of another binary, before it becomes it (upgrade_trial.hpp).
std::optional<int> to_be_tried(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2 || arguments.front() != kTrialCommand) return std::nullopt;
  return ipc::parse_number<int>(arguments.back());
}

int run(int argc, char** argv) {
  if (is_helper(argc, argv)) return run_helper();
  const OwnBinary own_binary = started_as(argc, argv);
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (const auto state = handed_over_at()) return take_over(*state, own_binary);
  if (const auto state = to_be_tried(arguments)) return try_takeover(*state);
  const auto command = parse_command_line(arguments);
  if (!command) {
    fmt::print(stderr, "reeve: {}\n", command.error());
    return exit_code::kCannotStart;
  }
  return std::visit(Perform{own_binary}, *command);
}

}  // namespace
}  // namespace reeve::supervisor

int main(int argc, char** argv) {
  reeve::ipc::open_standard_descriptors();
  return reeve::supervisor::run(argc, argv);
}
