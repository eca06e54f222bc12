#pragma once
// A whole file of text, as the configuration and what it names are. Start-up and reload only.

#include <string>

#include "ipc/base/error.hpp"

namespace reeve::supervisor::config {

/// A regular file of at most 1 MiB: nothing that a read could wait for. The error does not name the
/// file: "cannot open it: No such file or directory".
[[nodiscard]] ipc::Result<std::string> read_text_file(const std::string& path);

}  // namespace reeve::supervisor::config
