// The control socket: bytes from anyone who may connect. Whatever is understood must survive being
// said again, and how the bytes are cut into reads must not matter.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/control/frame_reader.hpp"
#include "ipc/control/protocol.hpp"

namespace {

using namespace reeve::ipc::control;

void must(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> frames_of(std::string_view bytes, std::size_t piece) {
  std::vector<std::string> frames;
  FrameReader reader;
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    if (!reader.feed(bytes.substr(0, size))) break;
    while (auto frame = reader.next()) frames.push_back(*std::move(frame));
    bytes.remove_prefix(size);
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> frames = frames_of(bytes, 7);
  must(frames == frames_of(bytes, bytes.size()));

  for (const std::string& frame : frames) {
    if (const auto request = decode_request(frame)) {
      must(decode_request(encode(*request)) == *request);
    }
    if (const auto reply = decode_reply(frame)) {
      const auto again = decode_reply(encode(*reply));
      must(again.has_value() && (reply->error ? again->error == reply->error : *again == *reply));
    }
  }
  return 0;
}
