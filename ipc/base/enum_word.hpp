#pragma once
// Enums that say their last value beside them, `constexpr E last_of(E) { return E::Last; }`, so
// that their values are known to be 0 to that one; and the way from a word back to the enumerator
// that to_string() writes as it, so that the words of an enum stand in one place. Pure.

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace reeve::ipc {

template <class Enum>
concept ListedEnum = std::is_enum_v<Enum> && requires(Enum value) {
  { last_of(value) } -> std::same_as<Enum>;
};

/// Nothing when no enumerator has that number.
template <ListedEnum Enum>
[[nodiscard]] constexpr std::optional<Enum> enumerator(std::uint64_t number) {
  if (number > static_cast<std::uint64_t>(last_of(Enum{}))) return std::nullopt;
  return static_cast<Enum>(number);
}

/// Nothing when the text is the word of none.
template <ListedEnum Enum>
[[nodiscard]] std::optional<Enum> parse_word(std::string_view text) {
  for (std::uint64_t number = 0; const auto value = enumerator<Enum>(number); ++number) {
    if (to_string(*value) == text) return value;
  }
  return std::nullopt;
}

}  // namespace reeve::ipc
