#pragma once
// Where the master's log and the lines of its workers go: stderr. A reader that is slow, or
// stopped, delays nobody: what it does not take waits in a bounded queue, and beyond that is
// dropped and counted. Knows no format. Loop thread.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/uv.hpp"

namespace reeve::supervisor {

class Output {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 1 << 20;

  /// Borrows `fd`. It is not made non-blocking: that would change it for every process that shares
  /// it.
  Output(ipc::uv::Loop& loop, int fd);

  /// One line with its line end.
  void write(std::string_view line);
  /// Writes what is queued as far as the reader takes it.
  void flush();
  /// The same at the end of the process: waits for a slow reader, within `limit`.
  void finish(ipc::Duration limit);
  /// Called once the reader has caught up after lines were dropped.
  void on_dropped(std::function<void(std::uint64_t lines)> report) {
    report_dropped_ = std::move(report);
  }

  [[nodiscard]] bool is_terminal() const { return is_terminal_; }

 private:
  [[nodiscard]] bool takes_more(int timeout_ms = 0) const;
  /// Writes a part that fits, and removes it from `text`. False: not now.
  [[nodiscard]] bool write_some(std::string_view& text);

  int fd_;
  bool never_blocks_;  // A regular file, or a device that epoll refuses, like /dev/null.
  bool is_terminal_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::function<void(std::uint64_t)> report_dropped_;
  std::optional<ipc::uv::Poll> poll_;
};

}  // namespace reeve::supervisor
