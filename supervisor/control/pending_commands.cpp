// Bookkeeping alone: verdicts.cpp has what a verdict says.

#include "supervisor/control/pending_commands.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace reeve::supervisor {

CommandId PendingCommands::open(int parts, OnVerdicts on_verdicts) {
  assert(parts > 0 && "a command that nobody will answer");
  const CommandId id{next_++};
  entries_.emplace(id, Entry{parts, {}, std::move(on_verdicts)});
  return id;
}

void PendingCommands::settle(CommandId command, Verdicts part) {
  const auto found = entries_.find(command);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  std::ranges::move(part, std::back_inserter(entry.verdicts));
  if (--entry.missing > 0) return;
  const Entry done = std::move(entry);
  entries_.erase(found);
  done.on_verdicts(done.verdicts);
}

}  // namespace reeve::supervisor
