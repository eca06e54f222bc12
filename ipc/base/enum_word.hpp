#pragma once
// Enums that say their last value beside them, `constexpr E last_of(E) { return E::Last; }`, so
// that their values are known to be 0 to that one; their words, listed once in that order; and the
// way from a word back to the enumerator that to_string() writes as it. Pure.

#include <concepts>
#include <cstddef>
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

/// The word of `value` in a list with one for each enumerator up to `Last`; a list that lacks one
/// does not compile. `return word_of<Kind::Other>(kind, {"database", "other"});`
template <auto Last, std::size_t N>
[[nodiscard]] constexpr std::string_view word_of(decltype(Last) value,
                                                 const std::string_view (&words)[N]) {
  static_assert(N == static_cast<std::size_t>(Last) + 1, "one word for each enumerator");
  return words[static_cast<std::size_t>(value)];
}

template <ListedEnum Enum, std::size_t N>
[[nodiscard]] constexpr std::string_view word_of(Enum value, const std::string_view (&words)[N]) {
  return word_of<last_of(Enum{})>(value, words);
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
