#pragma once
// A whole file of text, as the configuration and what it names are. Start-up and reload only.

#include <string>

#include "ipc/base/error.hpp"

namespace reeve::supervisor::config {

/// At most 1 MiB. The error does not name the file: "cannot open it: No such file or directory".
[[nodiscard]] ipc::Result<std::string> read_text_file(const std::string& path);

}  // namespace reeve::supervisor::config
