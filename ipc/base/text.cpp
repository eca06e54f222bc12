#include "ipc/base/text.hpp"

#include <algorithm>
#include <cstdint>

namespace reeve::ipc {
namespace {

struct Character {
  std::size_t bytes;  // 0: not UTF-8.
  std::uint32_t code_point;
};

// Decodes the first character. Refuses overlong forms, surrogates and what is past U+10FFFF.
Character decode(std::string_view text) {
  constexpr Character kInvalid{0, 0};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};

  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return kInvalid;

  std::uint32_t code_point = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return kInvalid;
    code_point = code_point << 6 | (byte(i) & 0x3Fu);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallest[size] || code_point > 0x10FFFF || surrogate) return kInvalid;
  return {size, code_point};
}

// C0, DEL, C1, and the marks that reorder or hide the text around them.
bool is_control(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) ||
         (code_point >= 0x200B && code_point <= 0x200F) ||
         (code_point >= 0x2028 && code_point <= 0x202E) ||
         (code_point >= 0x2060 && code_point <= 0x2069) || code_point == 0xFEFF;
}

}  // namespace

std::size_t utf8_length(std::string_view text) { return decode(text).bytes; }

std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string line;
  while (!text.empty()) {
    const Character character = decode(text);
    const std::size_t taken = character.bytes == 0 ? 1 : character.bytes;
    std::string_view shown = text.substr(0, taken);
    if (shown == "\n" || shown == "\r" || shown == "\t") {
      shown = " ";
    } else if (character.bytes == 0 || is_control(character.code_point)) {
      shown = "?";
    }
    if (line.size() + shown.size() > max_bytes) break;
    line += shown;
    text.remove_prefix(taken);
  }
  return line;
}

std::optional<std::string_view> next_line(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::optional<std::string_view> next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  if (text.empty()) return std::nullopt;
  const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

}  // namespace reeve::ipc
