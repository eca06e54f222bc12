#pragma once
// The command line of `reevectl` as a typed request to the master. Opens nothing, prints nothing.

#include <expected>
#include <string>
#include <variant>
#include <vector>

#include "ipc/control.hpp"

namespace reeve::supervisor::ctl {

/// Ask the master.
struct Ask {
  ipc::control::Request request;
  std::string config_path;  ///< -c; empty when not given
  std::string socket;       ///< -s; empty when not given
  bool json = false;        ///< print the reply as it came

  bool operator==(const Ask&) const = default;
};

/// `help`, `--help`, `--version`: print this and exit with 0.
struct ShowText {
  std::string text;

  bool operator==(const ShowText&) const = default;
};

using Command = std::variant<Ask, ShowText>;

/// `arguments` without the program's own name. The error is a text for a person, with the remedy.
[[nodiscard]] std::expected<Command, std::string> parse_command_line(
    std::vector<std::string> arguments);

}  // namespace reeve::supervisor::ctl
