#pragma once
// Where the shell's lines come from: a terminal, with history and completion by libedit, or
// anything else, line by line and without a prompt.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "supervisor/reevectl/line_words.hpp"

namespace reeve::supervisor::ctl {

class LineReader {
 public:
  /// What the text before the cursor could become.
  using Completer = std::function<Completion(std::string_view line)>;

  virtual ~LineReader() = default;
  /// The next line without its end; nothing at the end of the input.
  [[nodiscard]] virtual std::optional<std::string> next() = 0;
};

[[nodiscard]] bool is_terminal();

/// Reads stdin. There is one at a time.
[[nodiscard]] std::unique_ptr<LineReader> make_line_reader(LineReader::Completer completer);

}  // namespace reeve::supervisor::ctl
