#pragma once
// Cuts what a stream socket delivers into the frames of the control protocol. Knows no JSON.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/error.hpp"

namespace reeve::ipc::control {

inline constexpr std::size_t kMaxFrameBytes = 1 << 20;

/// Cuts a byte stream into frames. Refuses a frame longer than kMaxFrameBytes, and to hoard many.
class FrameReader {
 public:
  /// Takes what a read returned. An error means: close the connection.
  [[nodiscard]] Result<> feed(std::string_view bytes);
  /// The next whole frame, without its NUL.
  [[nodiscard]] std::optional<std::string> next();
  /// The bytes that were fed and not handed out, for another reader to go on with.
  [[nodiscard]] std::string_view rest() const { return std::string_view(buffer_).substr(taken_); }

 private:
  std::string buffer_;
  std::size_t taken_ = 0;       // Handed out already.
  std::size_t scanned_ = 0;     // No NUL from taken_ up to here.
  std::size_t unfinished_ = 0;  // Bytes after the last NUL.
};

}  // namespace reeve::ipc::control
