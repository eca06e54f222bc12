#include "supervisor/log/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <stdexcept>
#include <utility>

namespace reeve::supervisor {
namespace {

constexpr int kRetries = 8;  // For an interrupted write, as to a file on a network.

bool is_regular_file(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

Output::Output(ipc::uv::Loop& loop, int fd)
    : fd_(fd), never_blocks_(is_regular_file(fd)), is_terminal_(::isatty(fd) == 1) {
  if (never_blocks_) return;
  try {
    poll_.emplace(loop, fd, [this](int) { flush(); });
  } catch (const std::runtime_error&) {
    never_blocks_ = true;
  }
}

void Output::write(std::string_view line) {
  if (file_) {
    write_to_file(line);
    return;
  }
  while (queue_.empty() && !line.empty() && write_some(line)) {
  }
  if (line.empty()) return;
  // What never blocks has no poll that would come back for the rest.
  if (!poll_ || queued_bytes_ + line.size() > kMaxQueuedBytes) {
    ++dropped_;
    return;
  }
  queue_.emplace_back(line);
  queued_bytes_ += line.size();
  poll_->watch(UV_WRITABLE);
}

void Output::flush() {
  while (!queue_.empty()) {
    std::string_view rest = queue_.front();
    const bool more = write_some(rest);
    queued_bytes_ -= queue_.front().size() - rest.size();
    if (rest.empty()) {
      queue_.pop_front();
    } else {
      queue_.front().erase(0, queue_.front().size() - rest.size());
    }
    if (!more) return;
  }
  if (poll_) poll_->watch(0);
  if (!file_) report_dropped("whoever reads it is too slow");
}

void Output::write_to_file(std::string_view line) {
  if (const int error = file_->write(line)) {
    file_error_ = error;
    ++dropped_;
    return;
  }
  report_dropped(ipc::errno_text(file_error_));
  const int error = file_->take_rotation_error();  // The report is a line itself.
  if (error != 0 && report_growing_) report_growing_(file_->path(), error);
}

void Output::report_dropped(std::string_view why) {
  const std::uint64_t lines = std::exchange(dropped_, 0);  // The report may drop lines itself.
  if (lines > 0 && report_dropped_) report_dropped_(lines, why);
}

std::string Output::unwritten() const {
  std::string all;
  for (const std::string& line : queue_) all += line;
  return all;
}

void Output::finish(ipc::Duration limit) {
  const auto end = ipc::Clock::now() + limit;
  flush();
  while (!queue_.empty()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - ipc::Clock::now()).count();
    if (left <= 0 || !takes_more(static_cast<int>(left))) return;
    flush();
  }
}

bool Output::takes_more(int timeout_ms) const {
  pollfd request{fd_, POLLOUT, 0};
  return never_blocks_ || ::poll(&request, 1, timeout_ms) > 0;
}

bool Output::write_some(std::string_view& text) {
  if (!takes_more()) return false;
  // A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)).
  const std::size_t size = std::min<std::size_t>(text.size(), PIPE_BUF);
  ssize_t written = ::write(fd_, text.data(), size);
  for (int i = 0; i < kRetries && written < 0 && errno == EINTR; ++i) {
    written = ::write(fd_, text.data(), size);
  }
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  // Nobody can be told that stderr is gone; supervising goes on without it.
  text.remove_prefix(written < 0 ? text.size() : static_cast<std::size_t>(written));
  return true;
}

}  // namespace reeve::supervisor
