#pragma once
// The few options that every native program understands. Pure.

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "ipc/address.hpp"

namespace reeve::worker {

struct CommandLine {
  std::vector<ipc::Address> listen;  ///< --listen ADDRESS, repeatable
  bool help = false;
};

/// The error is a whole message for a person.
[[nodiscard]] std::expected<CommandLine, std::string> parse_command_line(
    std::span<const char* const> arguments);

/// The text of --help.
[[nodiscard]] std::string usage(const std::string& program);

}  // namespace reeve::worker
