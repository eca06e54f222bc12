#include "supervisor/reevectl/line_reader.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <utility>

#ifdef REEVE_HAS_LIBEDIT
#include <histedit.h>
#endif

namespace reeve::supervisor::ctl {
namespace {

/// A pipe or a file; on a terminal without libedit, with a prompt.
class PlainReader : public LineReader {
 public:
  std::optional<std::string> next() override {
    if (is_terminal()) fmt::print("reevectl> ");
    std::fflush(stdout);
    std::string line;
    return std::getline(std::cin, line) ? std::optional(std::move(line)) : std::nullopt;
  }
};

#ifdef REEVE_HAS_LIBEDIT

constexpr int kRemembered = 500;

/// libedit knows this only by a void pointer, so it neither copies nor moves.
class TerminalReader : public LineReader {
 public:
  explicit TerminalReader(Completer completer)
      : completer_(std::move(completer)),
        editor_(el_init("reevectl", stdin, stdout, stderr)),
        history_(history_init()) {
    HistEvent event;
    history(history_, &event, H_SETSIZE, kRemembered);
    history(history_, &event, H_SETUNIQUE, 1);
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(
        editor_, EL_PROMPT, +[](EditLine*) -> char* {
          static char prompt[] = "reevectl> ";  // libedit wants it mutable, and does not change it.
          return prompt;
        });
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_SIGNAL, 1);  // The terminal is put back when Ctrl-C ends us.
    el_set(editor_, EL_HIST, history, history_);
    el_set(
        editor_, EL_ADDFN, "complete", "Complete the word",
        +[](EditLine* editor, int) -> unsigned char { return of(editor).complete(); });
    el_set(editor_, EL_BIND, "^I", "complete", nullptr);
    el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_source(editor_, nullptr);  // ~/.editrc
  }
  ~TerminalReader() override {
    history_end(history_);
    el_end(editor_);
  }
  TerminalReader(const TerminalReader&) = delete;
  TerminalReader& operator=(const TerminalReader&) = delete;

  std::optional<std::string> next() override {
    int length = 0;
    const char* read = el_gets(editor_, &length);
    if (read == nullptr || length <= 0) {
      fmt::print("\n");  // The shell of the user begins on a line of its own.
      return std::nullopt;
    }
    std::string line(read, static_cast<std::size_t>(length));
    if (line.ends_with('\n')) line.pop_back();
    HistEvent event;
    if (line.find_first_not_of(" \t") != std::string::npos) {
      history(history_, &event, H_ENTER, line.c_str());
    }
    return line;
  }

 private:
  static TerminalReader& of(EditLine* editor) {
    void* reader = nullptr;
    el_get(editor, EL_CLIENTDATA, &reader);
    return *static_cast<TerminalReader*>(reader);
  }

  unsigned char complete() {
    const LineInfo* line = el_line(editor_);
    const std::string_view before(line->buffer,
                                  static_cast<std::size_t>(line->cursor - line->buffer));
    const Completion completion = completer_(before);
    if (!completion.rest.empty()) {
      return el_insertstr(editor_, completion.rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    }
    if (completion.candidates.empty()) return CC_REFRESH_BEEP;
    fmt::print("\n");
    for (const std::string& candidate : completion.candidates) fmt::print("{}  ", candidate);
    fmt::print("\n");
    std::fflush(stdout);
    return CC_REDISPLAY;
  }

  Completer completer_;
  EditLine* editor_;
  History* history_;
};

#endif

}  // namespace

bool is_terminal() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1; }

std::unique_ptr<LineReader> make_line_reader([[maybe_unused]] LineReader::Completer completer) {
#ifdef REEVE_HAS_LIBEDIT
  if (is_terminal()) return std::make_unique<TerminalReader>(std::move(completer));
#endif
  return std::make_unique<PlainReader>();
}

}  // namespace reeve::supervisor::ctl
