#pragma once
// Bytes that came in and that no request has used yet. Keeps its memory between requests, unless
// one was large.

#include <cstddef>
#include <string>
#include <string_view>

namespace reeve::worker {

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

}  // namespace reeve::worker
