#pragma once
// The master's log, and the lines of its workers between them: text for a person (coloured on a
// terminal, without a time under systemd, which adds its own) or one JSON object a line. Loop
// thread.

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "ipc/base/error.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/log/tail_buffer.hpp"

namespace spdlog {
class logger;
}

namespace reeve::supervisor {

class Output;

enum class Stream : std::uint8_t { Stdout, Stderr };

/// Which worker has printed a line.
struct LineSource {
  std::string_view process;  ///< "web:0"; "web" in a pool of one
  std::string_view pool;
  int slot = 0;
  Stream stream = Stream::Stdout;
};

/// What a line of text has beside its words.
enum class LineStyle : std::uint8_t {
  Plain,     ///< date and time first: a file, a pipe
  Terminal,  ///< time of day and colours
  Journal,   ///< "<6>" first, as sd-daemon(3) has it: systemd's journal keeps time and level itself
};

/// The style that suits the place that `fd` leads to. Reads $JOURNAL_STREAM.
[[nodiscard]] LineStyle line_style_for(int fd, bool is_terminal);

class Log {
 public:
  Log(Output& output, LogFormat format, LineStyle style, LogLevel level);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// log.max_line: of workers that start from now on.
  [[nodiscard]] std::size_t longest_line() const { return longest_line_; }

  void set_level(LogLevel level);
  /// The end of the master's own lines, as they were written; without those of the workers.
  [[nodiscard]] TailBuffer& tail() { return tail_; }
  /// The memory that this tail and those of the workers share.
  [[nodiscard]] TailBudget& tail_budget() { return tail_budget_; }

  /// Goes where the configuration says (log.to, log.max_size, log.keep), from the next line on. An
  /// error, which names the key: the file cannot be opened, and nothing has changed.
  [[nodiscard]] ipc::Result<> follow(const SupervisorConfig& config);
  /// Opens the file anew, after another program has rotated it. Logs what came of it.
  void reopen();

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::Debug, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::Info, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::Warn, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::Error, fmt::format(format, std::forward<Args>(args)...));
  }
  void write(LogLevel level, std::string_view text);

  /// A line of a worker's output: "web:0 | text". Which stream it came from is told in JSON
  /// only: most programs log to stderr, so it says nothing about how bad a line is.
  /// Whatever the level, since the master cannot know how important it is.
  void worker_line(const LineSource& from, std::string_view line);

 private:
  void set_style(LineStyle style);

  Output& output_;
  LogFormat format_;
  LineStyle descriptor_style_;  // What suits the output's descriptor; a file is plain.
  LineStyle style_{};
  LogLevel level_;
  std::size_t longest_line_ = SupervisorConfig().log_max_line;
  TailBudget tail_budget_;
  TailBuffer tail_{tail_budget_};
  std::unique_ptr<spdlog::logger> master_;
  std::unique_ptr<spdlog::logger> workers_;
};

}  // namespace reeve::supervisor
