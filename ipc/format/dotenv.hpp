#pragma once
// A file of environment variables, as the master's `env_file` and the worker library read it. Pure;
// expands nothing: what a shell would do with a value is a shell's business.
//
//   # a comment
//   HOST=db.example            # up to here; a '#' without a blank before it is part of the value
//   export GREETING="two\nlines, and a \"quote\""
//   PATTERN='taken as it is: \n $HOME'
//   KEY="-----BEGIN KEY-----
//   what is in quotes may go on for lines"
//
// A byte order mark and line ends of Windows are skipped.

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reeve::ipc {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// In the order of the text; a name may come again, then the last one counts. The error names the
/// line, and quotes nothing of it: "line 3: no '=' after the name".
[[nodiscard]] std::expected<Variables, std::string> parse_dotenv(std::string_view text);

/// Letters, digits and '_', not beginning with a digit.
[[nodiscard]] bool is_variable_name(std::string_view name);

}  // namespace reeve::ipc
