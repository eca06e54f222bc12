#pragma once
// What `reevectl status` shows of a pool, and with --lifespan or --schedule of the inside of its
// native workers, as they have told it. Reads, changes nothing. Loop thread.

#include <vector>

#include "ipc/control/protocol.hpp"
#include "supervisor/core/event.hpp"
#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {

/// One line a slot; no slots means all of them.
[[nodiscard]] std::vector<ipc::control::Process> status_of(const PoolRunner& pool,
                                                           const SlotSet& slots, TimePoint now);

/// What the worker of a slot suffers, or has suffered, from, as its recorder says: for `why`.
[[nodiscard]] std::vector<std::string> troubles_of(const PoolRunner& pool, const Slot& slot,
                                                   TimePoint now);

/// Adds what the workers of these slots have told of their lifespan: of each process, also of those
/// that a slot does not show because they boot beside it or drain. Says in the reply's text what
/// did not fit.
void add_lifespan(ipc::control::Reply& reply, const PoolRunner& pool, const SlotSet& slots,
                  TimePoint now);
/// Adds what they have told they have scheduled.
void add_scheduled(ipc::control::Reply& reply, const PoolRunner& pool, const SlotSet& slots);

}  // namespace reeve::supervisor
