#pragma once
// A whole document to a whole Config: the steps that a file and the command line have in common.

#include <cstdint>
#include <expected>

#include "supervisor/config/cell.hpp"
#include "supervisor/config/config.hpp"

namespace reeve::supervisor::config {

enum class Depth : std::uint8_t {
  Text,     ///< what the text says
  Machine,  ///< also that the programs and directories are there
};

/// Every problem at once, in file order.
[[nodiscard]] std::expected<Config, Problems> read_document(const Value& document, Depth depth);

}  // namespace reeve::supervisor::config
