#pragma once
// Where master and reevectl meet when no configuration says so. Reads the environment: call it
// before any thread.

#include <string>

namespace reeve::ipc {

/// `$RUNTIME_DIRECTORY` (systemd), else /run/reeve for root, else `$XDG_RUNTIME_DIR/reeve`.
[[nodiscard]] std::string default_runtime_dir();

/// The control socket in a runtime directory.
[[nodiscard]] std::string control_socket_path(const std::string& runtime_dir);

}  // namespace reeve::ipc
