// reevectl: asks the master to do something and returns with its verdict.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <variant>

#include "supervisor/reevectl/command_line.hpp"
#include "supervisor/reevectl/exit_codes.hpp"
#include "supervisor/reevectl/run.hpp"
#include "supervisor/reevectl/shell.hpp"

namespace reeve::supervisor::ctl {
namespace {

struct Perform {
  int operator()(const Ask& ask) const { return run(ask); }

  int operator()(const Shell& shell) const { return run_shell(shell); }

  int operator()(const ShowText& show) const {
    fmt::print("{}", show.text);
    return exit_code::kSuccess;
  }
};

}  // namespace
}  // namespace reeve::supervisor::ctl

int main(int argc, char** argv) {
  namespace ctl = reeve::supervisor::ctl;
  const auto command = ctl::parse_command_line({argv + std::min(argc, 1), argv + argc});
  if (!command) {
    fmt::print(stderr, "reevectl: {}\n", command.error());
    return ctl::exit_code::kUsage;
  }
  return std::visit(ctl::Perform{}, *command);
}
