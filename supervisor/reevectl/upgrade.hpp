#pragma once
// `reevectl upgrade`: the master replaces itself by its new binary while it is being asked, so the
// answer may come from the new one, or the connection may end instead.

#include <string>

#include "ipc/control/client.hpp"
#include "supervisor/reevectl/command_line.hpp"

namespace reeve::supervisor::ctl {

/// Prints and returns as run() does. When the connection ends without a verdict, the master has
/// changed its binary or died: it is upgraded when the same process answers within 10 s.
[[nodiscard]] int upgrade(const Ask& ask, ipc::control::Client& client, const std::string& socket);

}  // namespace reeve::supervisor::ctl
