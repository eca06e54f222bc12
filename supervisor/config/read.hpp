#pragma once
// A whole document to a whole Config: the steps that a file and the command line have in common.

#include <expected>
#include <string>
#include <vector>

#include "supervisor/config/cell.hpp"
#include "supervisor/config/config.hpp"

namespace reeve::supervisor::config {

/// Every problem at once, in file order. `files` are those of which the document consists (see
/// Sources), and what relative paths are relative to; an empty name: the command line. With `find`,
/// also what it says about this machine is checked: programs, directories, users, variables; with
/// null only the text.
[[nodiscard]] std::expected<Config, Problems> read_document(const Value& document,
                                                            const std::vector<std::string>& files,
                                                            const FindUser& find);

}  // namespace reeve::supervisor::config
