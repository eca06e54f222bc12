#pragma once
// The command line of `reevectl` as a typed request to the master. Opens nothing, prints nothing.

#include <expected>
#include <string>
#include <variant>
#include <vector>

#include "ipc/control/protocol.hpp"

namespace reeve::supervisor::ctl {

/// Ask the master.
struct Ask {
  ipc::control::Request request;
  std::string config_path;   ///< -c; empty when not given
  std::string socket;        ///< -s; empty when not given
  bool json = false;         ///< print the reply as it came
  bool interactive = false;  ///< -i: then be a shell

  bool operator==(const Ask&) const = default;
};

/// No command at all: read commands, a line each.
struct Shell {
  std::string config_path;  ///< as in Ask; for lines that do not say their own
  std::string socket;
  bool json = false;

  bool operator==(const Shell&) const = default;
};

/// `help`, `--help`, `--version`: print this and exit with 0.
struct ShowText {
  std::string text;

  bool operator==(const ShowText&) const = default;
};

using Command = std::variant<Ask, ShowText, Shell>;

/// `arguments` without the program's own name; the words of a command may come in one of them. The
/// error is a text for a person, with the remedy.
[[nodiscard]] std::expected<Command, std::string> parse_command_line(
    std::vector<std::string> arguments);

/// The words that a command line can begin with.
[[nodiscard]] std::vector<std::string> command_names();

}  // namespace reeve::supervisor::ctl
