#pragma once
// Text that came from elsewhere: made fit to be shown, or read as a number.
// Pure; any process, any thread.

#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::ipc {

/// `text` as one line that no terminal or log can be tricked by: control characters and bytes that
/// are not UTF-8 become '?', line ends and tabs a space. Cut at a whole character, at most
/// `max_bytes`.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes);

/// How many bytes the first character of `text`, which is not empty, has; 0 when it is not UTF-8
/// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// Cuts the part before the next `separator` off the front of `text`, and the separator itself: all
/// of `text` when it has none.
std::string_view take_until(std::string_view& text, char separator);
/// The next line of `text`, which loses it; none: it is empty.
std::optional<std::string_view> next_line(std::string_view& text);
/// The same for words with blanks between them.
std::optional<std::string_view> next_word(std::string_view& text);

/// The decimal number that is the whole of `text`: no blanks, no '+', no overflow.
template <std::integral T>
[[nodiscard]] std::optional<T> parse_number(std::string_view text) {
  T value{};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, failed] = std::from_chars(begin, end, value);
  if (failed != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace reeve::ipc
