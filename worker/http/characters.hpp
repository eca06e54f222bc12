#pragma once
// The bytes that RFC 9110 and 9112 allow, and where. Pure.

#include <algorithm>
#include <array>
#include <string_view>

namespace reeve::worker {

class CharacterSet {
 public:
  consteval explicit CharacterSet(std::string_view extra) {
    for (char c = 'a'; c <= 'z'; ++c) add(c);
    for (char c = 'A'; c <= 'Z'; ++c) add(c);
    for (char c = '0'; c <= '9'; ++c) add(c);
    for (const char c : extra) add(c);
  }
  [[nodiscard]] constexpr bool has(char c) const { return members_[static_cast<unsigned char>(c)]; }
  [[nodiscard]] constexpr bool has_all(std::string_view text) const {
    return std::ranges::all_of(text, [this](char c) { return has(c); });
  }

 private:
  constexpr void add(char c) { members_[static_cast<unsigned char>(c)] = true; }
  std::array<bool, 256> members_{};
};

inline constexpr CharacterSet kToken("!#$%&'*+-.^_`|~");
/// A host and a port, also an IPv6 literal in brackets.
inline constexpr CharacterSet kHost("-._~!$&'()*+,;=:[]%");

[[nodiscard]] constexpr bool is_token(std::string_view text) {
  return !text.empty() && kToken.has_all(text);
}

[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Any byte but a control character; a tab is allowed.
[[nodiscard]] constexpr bool is_field_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

[[nodiscard]] constexpr std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace reeve::worker
