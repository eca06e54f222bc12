#pragma once
// The bytes of one connection: those that came in, and those on their way out. They know no HTTP.
// Loop thread only.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reeve::worker {

/// Bytes that came in and that no request has used yet. Keeps its memory between requests, unless
/// one was large.
class Input {
 public:
  [[nodiscard]] std::string_view unread() const { return std::string_view(bytes_).substr(used_); }

  void append(std::string_view received) {
    if (used_ > 0) bytes_.erase(0, used_);
    used_ = 0;
    bytes_ += received;
  }

  /// The first `count` unread bytes belong to a request now.
  void use(std::size_t count) {
    used_ += count;
    if (used_ < bytes_.size()) return;
    bytes_.clear();
    used_ = 0;
    if (bytes_.capacity() > kKeptCapacity) bytes_.shrink_to_fit();
  }

 private:
  static constexpr std::size_t kKeptCapacity = 16 * 1024;

  std::string bytes_;
  std::size_t used_ = 0;
};

/// Bytes on their way out. Small bodies are copied behind their head, so that one send carries
/// both; a large one is kept as it is and goes out with the same system call.
class Output {
 public:
  enum class Flushed : std::uint8_t { All, Partly, Failed };

  /// Where heads, chunks and small bodies are appended.
  [[nodiscard]] std::string& tail() { return large_.empty() ? head_ : tail_; }
  void append_body(std::string body);

  [[nodiscard]] std::size_t size() const {
    return head_.size() + large_.size() + tail_.size() - sent_;
  }
  [[nodiscard]] bool empty() const { return size() == 0; }

  /// Sends what the socket takes now. Failed: the peer is gone.
  [[nodiscard]] Flushed flush(int fd);

 private:
  void clear();

  std::string head_;
  std::string large_;  // At most one, between the other two.
  std::string tail_;
  std::size_t sent_ = 0;  // The three together.
};

}  // namespace reeve::worker
