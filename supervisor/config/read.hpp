#pragma once
// A whole document to a whole Config: the steps that a file and the command line have in common.

#include <cstdint>
#include <expected>
#include <string>

#include "supervisor/config/cell.hpp"
#include "supervisor/config/config.hpp"

namespace reeve::supervisor::config {

enum class Depth : std::uint8_t {
  Text,     ///< what the text says
  Machine,  ///< also what it says about this machine: programs, directories, users, variables
};

/// Every problem at once, in file order. `file` is what relative paths are relative to; empty: the
/// command line.
[[nodiscard]] std::expected<Config, Problems> read_document(const Value& document,
                                                            const std::string& file, Depth depth);

}  // namespace reeve::supervisor::config
