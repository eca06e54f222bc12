// Keeps <regex>, which is slow to compile, out of the other files of a process.

#include "supervisor/process/ready_log.hpp"

#include <regex>

namespace reeve::supervisor {
namespace {

// The matcher of the standard library recurses for each character.
constexpr std::size_t kMaxSearchedBytes = 2048;

}  // namespace

struct ReadyLogMatcher::Pattern {
  std::regex regex;
};

ReadyLogMatcher::ReadyLogMatcher(const std::string& pattern)
    : pattern_(new Pattern{std::regex(pattern, std::regex::ECMAScript | std::regex::optimize)}) {}

ReadyLogMatcher::~ReadyLogMatcher() = default;

bool ReadyLogMatcher::matches(std::string_view line) const try {
  line = line.substr(0, kMaxSearchedBytes);
  return std::regex_search(line.begin(), line.end(), pattern_->regex);
} catch (const std::regex_error&) {  // Too complex for this line.
  return false;
}

}  // namespace reeve::supervisor
