#pragma once
// The command line of `reeve` as a typed command. Reads no file, prints nothing: main() does.

#include <expected>
#include <string>
#include <variant>
#include <vector>

#include "supervisor/config/config.hpp"

namespace reeve::supervisor {

/// `reeve run -c FILE`
struct RunFile {
  std::string path;
};
/// `reeve run --listen ADDR --workers N -- COMMAND`
struct RunQuick {
  QuickOptions options;
};
/// `reeve check -c FILE`
struct CheckFile {
  std::string path;
};
/// `reeve version`, or a help text: print this and exit with 0.
struct ShowText {
  std::string text;
};
using Command = std::variant<RunFile, RunQuick, CheckFile, ShowText>;

/// `arguments` without the program's own name. The error is a text for a person, with the remedy.
[[nodiscard]] std::expected<Command, std::string> parse_command_line(
    const std::vector<std::string>& arguments);

}  // namespace reeve::supervisor
