#pragma once
// Enums whose values are known to be 0 to a last one, and their words, which stand in one place. An
// enum says beside it either its words, in the order of its enumerators, or where it has none its
// last value:
//   constexpr auto words_of(Colour) { return std::to_array<std::string_view>({"red", "green"}); }
//   constexpr Shape last_of(Shape) { return Shape::Square; }
// Pure.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace reeve::ipc {

template <class Enum>
concept WordedEnum = std::is_enum_v<Enum> && requires(Enum value) { words_of(value).size(); };

template <WordedEnum Enum>
[[nodiscard]] constexpr Enum last_of(Enum value) {
  return static_cast<Enum>(words_of(value).size() - 1);
}

template <WordedEnum Enum>
[[nodiscard]] constexpr std::string_view to_string(Enum value) {
  return words_of(value)[static_cast<std::size_t>(value)];
}

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

/// The word of `value` in a list with one for each enumerator up to `Last`, where an enum is told
/// in other words than its own; a list that lacks one does not compile. `return
/// word_of<Kind::Other>(kind, {"database", "other"});`
template <auto Last, std::size_t N>
[[nodiscard]] constexpr std::string_view word_of(decltype(Last) value,
                                                 const std::string_view (&words)[N]) {
  static_assert(N == static_cast<std::size_t>(Last) + 1, "one word for each enumerator");
  return words[static_cast<std::size_t>(value)];
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
