#include "ipc/base/mount.hpp"

#include <array>
#include <cstddef>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

/// mountinfo writes blanks, tabs, line ends and backslashes as octal numbers.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      plain += text[i];
      continue;
    }
    const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
    plain += static_cast<char>(code);
    i += 3;
  }
  return plain;
}

}  // namespace

/// "14 34 0:32 ROOT POINT OPTIONS [TAGS] - TYPE SOURCE OPTIONS"
std::optional<Mount> parse_mount(std::string_view line) {
  std::array<std::string_view, 5> fields;
  for (std::string_view& field : fields) field = next_word(line).value_or("");
  auto word = next_word(line);
  while (word && *word != "-") word = next_word(line);
  const auto type = next_word(line);
  if (!word || !type) return std::nullopt;
  (void)next_word(line);  // The source.
  return Mount{.root = unescape(fields[3]),
               .point = unescape(fields[4]),
               .type = std::string(*type),
               .options = std::string(next_word(line).value_or(""))};
}

}  // namespace reeve::ipc
