#include "supervisor/reevectl/line_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeve::supervisor::ctl {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// What all of `words` begin with.
std::string common_beginning(const std::vector<std::string>& words) {
  std::string common = words.front();
  for (const std::string& word : words) {
    common.erase(std::ranges::mismatch(common, word).in1, common.end());
  }
  return common;
}

}  // namespace

std::expected<std::vector<std::string>, std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (kBlanks.contains(line[i])) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (line[i] != '"' && line[i] != '\'') {
      words.back() += line[i];
      continue;
    }
    const std::size_t end = line.find(line[i], i + 1);
    if (end == std::string_view::npos) {
      return std::unexpected(fmt::format("no closing {} in the line", line[i]));
    }
    words.back() += line.substr(i + 1, end - i - 1);
    i = end;
  }
  return words;
}

Completion complete(std::string_view line, const std::vector<std::string>& commands,
                    const std::vector<std::string>& names) {
  const std::size_t blank = line.find_last_of(kBlanks);
  Completion completion{.typed = std::string(line.substr(blank + 1)), .candidates = {}, .rest = ""};
  const bool first = blank == std::string_view::npos ||
                     line.substr(0, blank + 1).find_first_not_of(kBlanks) == std::string_view::npos;
  const bool of_help = line.substr(0, blank + 1).starts_with("help ");
  for (const std::string& word : first || of_help ? commands : names) {
    if (word.starts_with(completion.typed)) completion.candidates.push_back(word);
  }
  if (completion.candidates.empty()) return completion;
  completion.rest = common_beginning(completion.candidates).substr(completion.typed.size());
  if (completion.candidates.size() == 1) completion.rest += ' ';
  return completion;
}

}  // namespace reeve::supervisor::ctl
