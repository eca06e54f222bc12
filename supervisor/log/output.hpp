#pragma once
// Where the master's log and the lines of its workers go: stderr, or a file. A reader that is slow,
// or stopped, delays nobody: what it does not take waits in a bounded queue. Lines beyond that are
// dropped and counted, as are those that a full disk does not take. Knows no format. Loop thread.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/uv.hpp"
#include "supervisor/log/log_file.hpp"

namespace reeve::supervisor {

class Output {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 1 << 20;

  /// Borrows `fd`. It is not made non-blocking: that would change it for every process that shares
  /// it.
  Output(ipc::uv::Loop& loop, int fd);

  /// From now on lines go to the file, or back to `fd`. What was queued for `fd` still goes there.
  void use_file(LogFile file) { file_ = std::move(file); }
  void use_descriptor() { file_.reset(); }
  /// Null: lines go to `fd`.
  [[nodiscard]] LogFile* file() { return file_ ? &*file_ : nullptr; }

  /// One line with its line end.
  void write(std::string_view line);
  /// Writes what is queued as far as the reader takes it.
  void flush();
  /// What the reader has not taken yet.
  [[nodiscard]] std::string unwritten() const;
  /// The same at the end of the process: waits for a slow reader, within `limit`.
  void finish(ipc::Duration limit);
  /// Called once lines get through again after some were dropped.
  void on_dropped(std::function<void(std::uint64_t lines, std::string_view why)> report) {
    report_dropped_ = std::move(report);
  }
  /// Called once when the file cannot be put aside, and so grows on.
  void on_growing(std::function<void(const std::string& file, int error)> report) {
    report_growing_ = std::move(report);
  }

  /// Whether `fd` is one.
  [[nodiscard]] bool is_terminal() const { return is_terminal_; }

 private:
  void write_to_file(std::string_view line);
  void report_dropped(std::string_view why);
  [[nodiscard]] bool takes_more(int timeout_ms = 0) const;
  /// Writes a part that fits, and removes it from `text`. False: not now.
  [[nodiscard]] bool write_some(std::string_view& text);

  int fd_;
  bool never_blocks_;  // A regular file, or a device that epoll refuses, like /dev/null.
  bool is_terminal_;
  std::optional<LogFile> file_;
  int file_error_ = 0;  // Why the file did not take the last line.
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::function<void(std::uint64_t, std::string_view)> report_dropped_;
  std::function<void(const std::string&, int)> report_growing_;
  std::optional<ipc::uv::Poll> poll_;
};

}  // namespace reeve::supervisor
