// Apart from the protocol: it cuts bytes, and needs no JSON.

#include "ipc/control/frame_reader.hpp"

namespace reeve::ipc::control {

Result<> FrameReader::feed(std::string_view bytes) {
  buffer_.erase(0, taken_);
  scanned_ -= taken_;
  taken_ = 0;
  buffer_ += bytes;

  const std::size_t nul = bytes.rfind('\0');
  unfinished_ = nul == std::string_view::npos ? unfinished_ + bytes.size() : bytes.size() - nul - 1;
  if (unfinished_ > kMaxFrameBytes) return failure("control message: longer than 1 MiB");
  if (buffer_.size() > 2 * kMaxFrameBytes) return failure("control message: too many at once");
  return {};
}

std::optional<std::string> FrameReader::next() {
  const std::size_t end = buffer_.find('\0', scanned_);
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    return std::nullopt;
  }
  std::string frame = buffer_.substr(taken_, end - taken_);
  taken_ = scanned_ = end + 1;
  return frame;
}

}  // namespace reeve::ipc::control
