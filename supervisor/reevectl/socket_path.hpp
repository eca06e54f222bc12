#pragma once
// Where the master's control socket is. Reads the environment and, with -c, one key of the
// configuration; whether the rest of that file is right is the master's concern.

#include <string>

#include "ipc/base/error.hpp"

namespace reeve::supervisor::ctl {

/// `socket` (a path, or unix:// and a path, as supervisorctl has it) when it is not empty; else the
/// one of `config_path` when that is not empty; else the default.
[[nodiscard]] ipc::Result<std::string> find_socket(const std::string& socket,
                                                   const std::string& config_path);

}  // namespace reeve::supervisor::ctl
