#pragma once
// The interactive shell: each line is a command line of reevectl. As supervisorctl's, it begins
// with the status, and its own exit code is always 0.

#include "supervisor/reevectl/command_line.hpp"

namespace reeve::supervisor::ctl {

/// Reads lines from stdin until `exit`, `quit` or their end.
[[nodiscard]] int run_shell(const Shell& shell);

}  // namespace reeve::supervisor::ctl
