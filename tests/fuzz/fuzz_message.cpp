// Messages between master and worker: a hostile worker's datagram must become bounded, printable
// text.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/message.hpp"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void must_be_one_line(const std::optional<std::string>& text) {
  if (!text) return;
  must(text->size() <= reeve::ipc::kMaxMessageBytes);
  for (const char byte : *text) must(static_cast<unsigned char>(byte) >= ' ' && byte != 0x7F);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reeve::ipc;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const WorkerMessage said = parse_worker_message(text);
  must_be_one_line(said.status);
  must_be_one_line(said.step);
  must_be_one_line(said.reason);
  must(format(said).size() <= kMaxMessageBytes);
  must(parse_worker_message(format(said)) == said);

  const MasterMessage ordered = parse_master_message(text);
  must(parse_master_message(format(ordered)) == ordered);
  return 0;
}
