#pragma once
// What `reevectl status` shows of a pool. Reads, changes nothing.

#include <vector>

#include "ipc/control.hpp"
#include "supervisor/core/event.hpp"
#include "supervisor/shell/pool_runner.hpp"

namespace reeve::supervisor {

/// One line a slot; no slots means all of them.
[[nodiscard]] std::vector<ipc::control::Process> status_of(const PoolRunner& pool,
                                                           const SlotSet& slots, TimePoint now);

/// What the worker of a slot suffers, or has suffered, from, as its recorder says: for `why`.
[[nodiscard]] std::vector<std::string> troubles_of(const PoolRunner& pool, const Slot& slot,
                                                   TimePoint now);

}  // namespace reeve::supervisor
