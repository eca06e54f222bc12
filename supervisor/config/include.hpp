#pragma once
// `include` of the configuration file: the tables of other files, as if they stood in it. Each
// value knows its file, for messages and for what is relative to it. An included file includes no
// other, and says nothing of the master. Start-up and reload only: it reads files and blocks.

#include <string>
#include <vector>

#include "ipc/format/document.hpp"
#include "supervisor/config/config.hpp"

namespace reeve::supervisor::config {

/// A document of several files. Position::file is the place of one in `files`.
struct Sources {
  ipc::document::Value document;
  std::vector<std::string> files;   ///< the first is the one that includes
  std::vector<ConfigError> errors;  ///< of the files themselves
};

/// `document` is that of `file`, to whose directory the patterns are relative. Each is sorted.
[[nodiscard]] Sources include_files(ipc::document::Value document, const std::string& file);

}  // namespace reeve::supervisor::config
