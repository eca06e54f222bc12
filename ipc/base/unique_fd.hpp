#pragma once
// Owns one file descriptor. A plain `int fd` parameter elsewhere borrows.
// Any process, any thread; one instance belongs to one thread at a time.

#include <unistd.h>

#include <utility>

namespace reeve::ipc {

/// What stands for no descriptor.
inline constexpr int kNoFd = -1;

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, kNoFd)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(std::exchange(other.fd_, kNoFd));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, kNoFd); }
  void reset(int fd = kNoFd) {
    // No retry on EINTR: Linux has released the descriptor even then (close(2)).
    if (const int old = std::exchange(fd_, fd); old >= 0) ::close(old);
  }

 private:
  int fd_ = kNoFd;
};

}  // namespace reeve::ipc
