#pragma once
// The start of a master: opens what it needs, supervises until told to stop, cleans up. What main()
// calls, once, in a process that has started no thread. Logs to stderr; prints nothing.

#include <string>

#include "supervisor/config/config.hpp"
#include "supervisor/upgrade/own_binary.hpp"

namespace reeve::supervisor {

/// Supervises until a signal or a command ends it. A failed start-up is logged as one message that
/// names the thing, the cause and the remedy. `config_path` is reread on reload; empty when there
/// is no file (`reeve run -- COMMAND`). `own_binary` is how to start it anew, for an upgrade.
/// Returns an exit_code.
[[nodiscard]] int run_master(const Config& config, const std::string& config_path,
                             OwnBinary own_binary);

/// The same for a process that was another master until its exec, and has left its state at the
/// descriptor `state` (takeover.hpp).
[[nodiscard]] int take_over(int state, OwnBinary own_binary);

}  // namespace reeve::supervisor
