#pragma once
// A line of the interactive shell as words, and what the word before the cursor could become. Pure.

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::supervisor::ctl {

/// Blanks part words; '...' and "..." keep them, without escapes. The error says what is wrong.
[[nodiscard]] std::expected<std::vector<std::string>, std::string> split_words(
    std::string_view line);

/// The beginning of a word, and every known word that it begins: a command at the start of the
/// line, one of `names` after it.
struct Completion {
  std::string typed;
  std::vector<std::string> candidates;
  /// What all candidates go on with: "rt" of "sta", when they are "start" alone, and a blank.
  std::string rest;
};
[[nodiscard]] Completion complete(std::string_view line, const std::vector<std::string>& commands,
                                  const std::vector<std::string>& names);

}  // namespace reeve::supervisor::ctl
