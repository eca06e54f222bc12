// reevectl: asks the master to do something and returns with its verdict.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <variant>

#include "ipc/base/standard_descriptors.hpp"
#include "supervisor/reevectl/command_line.hpp"
#include "supervisor/reevectl/exit_codes.hpp"
#include "supervisor/reevectl/run.hpp"
#include "supervisor/reevectl/shell.hpp"

int main(int argc, char** argv) {
  namespace ctl = reeve::supervisor::ctl;
  reeve::ipc::open_standard_descriptors();
  const auto command = ctl::parse_command_line({argv + std::min(argc, 1), argv + argc});
  if (!command) {
    fmt::print(stderr, "reevectl: {}\n", command.error());
    return ctl::exit_code::kUsage;
  }
  if (const auto* ask = std::get_if<ctl::Ask>(&*command)) {
    const int code = run(*ask);
    if (!ask->interactive) return code;
    return ctl::run_shell(
        {.config_path = ask->config_path, .socket = ask->socket, .json = ask->json});
  }
  if (const auto* shell = std::get_if<ctl::Shell>(&*command)) return run_shell(*shell);
  ctl::put(std::get<ctl::ShowText>(*command).text);
  return ctl::exit_code::kSuccess;
}
