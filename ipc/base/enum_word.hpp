#pragma once
// From a word back to the enumerator that to_string() writes as it, so that the words of an enum
// stand in one place. Pure.

#include <initializer_list>
#include <optional>
#include <string_view>

namespace reeve::ipc {

/// Nothing when the text is the word of none of `all`.
template <class Enum>
[[nodiscard]] std::optional<Enum> parse_word(std::string_view text,
                                             std::initializer_list<Enum> all) {
  for (const Enum value : all) {
    if (to_string(value) == text) return value;
  }
  return std::nullopt;
}

}  // namespace reeve::ipc
