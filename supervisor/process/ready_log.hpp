#pragma once
// The rule ready = { log = "..." }: a foreign worker is ready once a line of its output matches.
// Pure.

#include <memory>
#include <string>
#include <string_view>

namespace reeve::supervisor {

class ReadyLogMatcher {
 public:
  /// `pattern` is a valid ECMAScript regular expression (the configuration has checked it).
  explicit ReadyLogMatcher(const std::string& pattern);
  ~ReadyLogMatcher();

  /// Searches the first 2 KiB of a line, which bounds what a pattern can cost, as a terminal shows
  /// them: without colours.
  [[nodiscard]] bool matches(std::string_view line) const;

 private:
  struct Pattern;  // <regex> is slow to compile: it stays in one file.
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace reeve::supervisor
