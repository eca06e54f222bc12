#pragma once
// Carries out one command: finds the master, asks, prints the answer.

#include "supervisor/reevectl/command_line.hpp"

namespace reeve::supervisor::ctl {

/// Prints to stdout and stderr. Returns an exit_code. Waits as long as the master needs.
[[nodiscard]] int run(const Ask& ask);

}  // namespace reeve::supervisor::ctl
