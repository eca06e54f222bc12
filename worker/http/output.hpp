#pragma once
// Bytes on their way out of one connection. Small bodies are copied behind their head, so that one
// send carries both; a large one is kept as it is and goes out with the same system call.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reeve::worker {

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
