#pragma once
// Carries out one command: finds the master, asks, prints the answer. Prints to stdout and stderr.

#include <string>
#include <string_view>

#include "ipc/control/client.hpp"
#include "supervisor/reevectl/command_line.hpp"

namespace reeve::supervisor::ctl {

/// Returns an exit_code. Waits as long as the master needs.
[[nodiscard]] int run(const Ask& ask);

/// `reevectl upgrade`: the master replaces itself by its new binary while it is being asked, so the
/// answer may come from the new one. When the connection ends without a verdict, the master has
/// changed its binary or died: it is upgraded when the same process answers within 10 s.
[[nodiscard]] int upgrade(const Ask& ask, ipc::control::Client& client, const std::string& socket);

/// To stdout, at once. An answer that cannot be written ends the program, with kFailure: whoever
/// redirects it counts on it.
void put(std::string_view text);

/// Says on stderr what went wrong.
void complain(const std::string& text);

}  // namespace reeve::supervisor::ctl
