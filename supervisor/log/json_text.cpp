#include "supervisor/log/json_text.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

void append_ascii(std::string& json, char character) {
  switch (character) {
    case '"':
    case '\\':
      json += '\\';
      json += character;
      return;
    case '\t':
      json += "\\t";
      return;
    case '\n':
      json += "\\n";
      return;
    default:
      if (static_cast<std::uint8_t>(character) >= 0x20) {
        json += character;
      } else {
        fmt::format_to(std::back_inserter(json), "\\u{:04x}", static_cast<std::uint8_t>(character));
      }
  }
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t length = ipc::utf8_length(text);
    if (length == 0) {
      json += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    if (length == 1) {
      append_ascii(json, text.front());
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  json += '"';
  return json;
}

}  // namespace reeve::supervisor
