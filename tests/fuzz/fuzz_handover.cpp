// The state that one master hands to the next: written by another version of this program, read by
// the one that will supervise. Whatever is understood holds every rule and survives being said
// again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "supervisor/upgrade/handover_codec.hpp"
#include "supervisor/upgrade/handover_rules.hpp"

namespace {

using namespace reeve::supervisor;

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto handover = decode_handover({reinterpret_cast<const char*>(data), size});
  if (!handover) {
    must(!handover.error().text.empty());
    return 0;
  }
  must(broken_rule(*handover).empty());
  const std::string text = encode(*handover);
  const auto again = decode_handover(text);
  must(again.has_value() && encode(*again) == text);
  return 0;
}
