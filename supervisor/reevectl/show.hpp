#pragma once
// Prints replies and complaints of reevectl to stdout and stderr.

#include <string>

#include "supervisor/reevectl/command_line.hpp"

namespace reeve::supervisor::ctl {

/// Prints a reply as it was asked for, at once. Returns its exit code.
int show(const Ask& ask, const ipc::control::Reply& reply);

/// Says on stderr what went wrong.
void complain(const std::string& text);

}  // namespace reeve::supervisor::ctl
