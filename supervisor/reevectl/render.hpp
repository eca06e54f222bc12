#pragma once
// The master's reply as supervisorctl's lines and exit codes. Pure.

#include <string>
#include <vector>

#include "ipc/control/protocol.hpp"

namespace reeve::supervisor::ctl {

struct Rendering {
  std::string output;  ///< for stdout: whole lines, or the bytes of a log
  std::string errors;  ///< for stderr: what failed as a whole
  int exit_code = 0;

  bool operator==(const Rendering&) const = default;
};

/// The lines of `status`: a process each.
[[nodiscard]] std::string status_lines(const std::vector<ipc::control::Process>& processes);

/// How `reply` to `request` is shown to a person, and what the command exits with. Of several
/// replies the exit code of the last one counts.
[[nodiscard]] Rendering render(const ipc::control::Request& request,
                               const ipc::control::Reply& reply);

}  // namespace reeve::supervisor::ctl
