#pragma once
// The commands that wait for their verdicts, and who is told when the last one is there. Knows
// neither pools nor clients. Loop thread.

#include <cstdint>
#include <functional>
#include <map>

#include "supervisor/control/verdicts.hpp"
#include "supervisor/core/action.hpp"

namespace reeve::supervisor {

/// A command may concern several pools; whoever asked gets one answer, when the last has given its
/// verdict.
class PendingCommands {
 public:
  using OnVerdicts = std::function<void(Verdicts)>;

  /// `parts` verdicts will be settled, at least one.
  [[nodiscard]] CommandId open(int parts, OnVerdicts on_verdicts);
  void settle(CommandId command, Verdicts part);

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
