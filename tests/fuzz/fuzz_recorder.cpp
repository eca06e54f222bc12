// The recorder: a page that a hostile worker filled must be read in bounds and shown as one line.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "ipc/recorder/reader.hpp"
#include "ipc/recorder/recorder.hpp"
#include "ipc/recorder/symbol.hpp"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

/// The same bytes as last words: bounded, printable lines.
void look_into_the_black_box(reeve::ipc::BlackBox& box, const std::uint8_t* data,
                             std::size_t size) {
  auto* bytes = reinterpret_cast<unsigned char*>(&box);
  const std::size_t filled = std::min(size, sizeof(box));
  if (filled > 0) std::memcpy(bytes, data, filled);
  std::memset(bytes + filled, 0, sizeof(box) - filled);
  // Sizes are wild as a rule: once as they came, once so that the text is read.
  for (const bool whole : {false, true}) {
    if (whole) box.stacks.size = box.stacks.bytes.size();
    const reeve::ipc::BlackBoxReading reading = reeve::ipc::read(box);
    must(reading.stacks.size() <= 512);
    for (const std::string& line : reading.stacks) {
      must(line.size() <= 240);
      for (const char byte : line) must(static_cast<unsigned char>(byte) >= ' ');
    }
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  must(reeve::ipc::readable_symbol(text).size() <= std::max<std::size_t>(size, 200));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reeve::ipc;
  static const Recorder recorder = Recorder::detached();
  RecorderPage& page = recorder.page();
  auto* bytes = reinterpret_cast<unsigned char*>(&page);
  const std::size_t filled = std::min(size, sizeof(page));
  if (filled > 0) std::memcpy(bytes, data, filled);
  std::memset(bytes + filled, 0, sizeof(page) - filled);
  page.magic = RecorderPage::kMagic;

  const auto in_bounds = [](Duration age) {
    constexpr Duration kLongest = std::chrono::hours(24 * 365 * 10);
    return age >= Duration::zero() && age <= kLongest;
  };
  const RecorderReading reading = read(page, from_nanoseconds(1'000'000'000'000'000)).value();
  must(in_bounds(reading.loop_lag));
  must(!reading.since_heartbeat || in_bounds(*reading.since_heartbeat));
  for (const auto& request : reading.oldest) must(in_bounds(request.age));
  for (const char byte : describe(reading)) must(static_cast<unsigned char>(byte) >= ' ');
  look_into_the_black_box(recorder.black_box(), data, size);
  return 0;
}
