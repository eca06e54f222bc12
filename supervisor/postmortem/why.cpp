#include "supervisor/postmortem/why.hpp"

#include <fmt/format.h>

namespace reeve::supervisor {

std::string why(const SlotLine& slot, const DeathReport* death, bool details) {
  std::string text = fmt::format("{} is {}", slot.name, slot.state);
  if (slot.pid != 0) text += fmt::format(", pid {}", slot.pid);
  if (!slot.detail.empty()) text += fmt::format(" ({})", slot.detail);
  text += '\n';
  for (const std::string& trouble : slot.troubles) text += fmt::format("  {}\n", trouble);
  if (death == nullptr) return text + "  none of its workers has died unasked\n";
  text += "its last death:\n";
  for (const std::string& line : death->summary) text += fmt::format("  {}\n", line);
  if (!details) return text;
  for (const std::string& line : death->details) text += fmt::format("  {}\n", line);
  return text;
}

}  // namespace reeve::supervisor
