#pragma once
// The commands that wait for their verdicts, and who is told when the last one is there. Knows
// neither pools nor clients. Loop thread.

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "supervisor/control/verdicts.hpp"
#include "supervisor/core/action.hpp"

namespace reeve::supervisor {

/// A command may concern several pools; the client gets one answer, when the last has given its
/// verdict.
class PendingCommands {
 public:
  using OnVerdicts = std::function<void(Verdicts)>;

  /// `parts` verdicts will be settled, at least one.
  [[nodiscard]] CommandId open(int parts, OnVerdicts on_verdicts) {
    assert(parts > 0 && "a command that nobody will answer");
    entries_.emplace(CommandId{next_}, Entry{parts, {}, std::move(on_verdicts)});
    return CommandId{next_++};
  }
  void settle(CommandId command, Verdicts part) {
    const auto found = entries_.find(command);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    std::ranges::move(part, std::back_inserter(entry.verdicts));
    if (--entry.missing > 0) return;
    const Entry done = std::move(entry);
    entries_.erase(found);
    done.on_verdicts(done.verdicts);
  }

 private:
  struct Entry {
    int missing;
    Verdicts verdicts;
    OnVerdicts on_verdicts;
  };
  std::map<CommandId, Entry> entries_;
  std::uint64_t next_ = 1;
};

}  // namespace reeve::supervisor
