// Keeps <regex>, which is slow to compile, out of the other files of a process.

#include "supervisor/process/ready_log.hpp"

#include <regex>

namespace reeve::supervisor {
namespace {

// The matcher of the standard library recurses for each character.
constexpr std::size_t kMaxSearchedBytes = 2048;

/// `line` as a person sees it on a terminal: without the sequences for colours and the like
/// (ECMA-48: ESC [ ... letter, ESC ] ... BEL, ESC and one more).
std::string without_colours(std::string_view line) {
  constexpr char kEscape = '\033';
  std::string plain;
  while (!line.empty()) {
    const std::size_t escape = line.find(kEscape);
    plain += line.substr(0, escape);
    if (escape == std::string_view::npos) break;
    line.remove_prefix(escape + 1);
    std::size_t end = 0;  // The last byte of the sequence.
    if (line.starts_with('[')) {
      end =
          line.find_first_of("@ABCDEFGHIJKLMNOPQRSTUVWXYZ\\]^_`abcdefghijklmnopqrstuvwxyz{|}~", 1);
    } else if (line.starts_with(']')) {
      end = line.find('\a');
    }
    line.remove_prefix(end >= line.size() ? line.size() : end + 1);
  }
  return plain;
}

}  // namespace

struct ReadyLogMatcher::Pattern {
  std::regex regex;
};

ReadyLogMatcher::ReadyLogMatcher(const std::string& pattern)
    : pattern_(new Pattern{std::regex(pattern, std::regex::ECMAScript | std::regex::optimize)}) {}

ReadyLogMatcher::~ReadyLogMatcher() = default;

bool ReadyLogMatcher::matches(std::string_view line) const try {
  line = line.substr(0, kMaxSearchedBytes);
  return std::regex_search(without_colours(line), pattern_->regex);
} catch (const std::regex_error&) {  // Too complex for this line.
  return false;
}

}  // namespace reeve::supervisor
