// The chokepoints: the only functions that change a slot's state, start a worker, drain one, or
// kill one.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {

void Pool::enter(Slot& slot, SlotState state, std::string why) {
  const SlotState from = std::exchange(slot.state, state);
  slot.since = now_;
  slot.why = std::move(why);
  slot.retry_at.reset();
  slot.finished = false;
  if (state != SlotState::Running) slot.recycle_again_at.reset();
  if (from != state) actions_.push_back(Changed{slot.index, from, state, slot.why});
}

WorkerId Pool::fork(Slot& slot, Generation generation, const PoolSpec& spec) {
  const WorkerId id{next_worker_++};
  Worker worker{.id = id,
                .slot = slot.index,
                .generation = generation,
                .forked_at = now_,
                .phase_since = now_,
                .deadline = now_ + spec.start_timeout,
                .grace = spec.grace,
                .start_timeout = spec.start_timeout,
                .ready_after = spec.ready_after,
                .watchdog = spec.watchdog,
                .recycle = spec.recycle};
  worker.recycle_share = share_of_limits(spec.recycle);
  workers_.emplace(id, std::move(worker));
  actions_.push_back(Fork{id, slot.index, generation});
  return id;
}

void Pool::start(Slot& slot, Generation generation, const PoolSpec& spec, std::string why) {
  assert(!slot.current && "one slot, two owners");
  settle(slot.index, Outcome::Stopped, "started again by a later command");
  slot.start_again = false;
  slot.failed_recycles = 0;
  slot.current = fork(slot, generation, spec);
  enter(slot, SlotState::Starting, std::move(why));
}

/// Starts a slot in the version that the pool is at, or is being led to by a roll.
void Pool::start_current(Slot& slot, std::string why) {
  if (spec_.surge == 0 && is_occupied(slot)) return wait_for_room(slot, why);
  const bool canaries_first = roll_ && roll_->stage != Roll::Stage::Rolling;
  const bool is_rolled =
      roll_ && (roll_->target != generation_ || roll_->emptied.contains(slot.index));
  if (!is_rolled || canaries_first) {
    start(slot, generation_, spec_, std::move(why));
    if (canaries_first) roll_->pending.insert(slot.index);  // Its turn comes after them.
    return;
  }
  enter(slot, SlotState::Starting, std::move(why));
  roll_->done.erase(slot.index);
  roll_->pending.insert(slot.index);  // advance_roll() forks it, at the end of this event.
}

/// remove() starts it, or the roll that it is part of.
void Pool::wait_for_room(Slot& slot, const std::string& why) {
  enter(slot, SlotState::Backoff,
        fmt::format("{}; waits for what its last worker has left behind", why));
}

/// Whether a former worker of the slot still lives, or some of it: it may hold the slot's port.
bool Pool::is_occupied(const Slot& slot) const {
  return std::ranges::any_of(workers_, [&slot](const auto& entry) {
    return entry.second.slot == slot.index && slot.current != entry.first &&
           slot.successor != entry.first;
  });
}

/// The successor takes over; its predecessor drains on its own.
void Pool::promote(Slot& slot, std::string why) {
  retire(slot.current, DrainKind::Patient);
  slot.current = std::exchange(slot.successor, std::nullopt);
  slot.failed_recycles = 0;
  enter(slot, SlotState::Running, std::move(why));
  settle(slot.index, Outcome::Started);
}

void Pool::stop(Slot& slot, DrainKind kind, std::string why) {
  settle(slot.index, Outcome::Aborted, why);
  withdraw_from_roll(slot.index);
  slot.start_again = false;
  if (slot.current) {
    drain(workers_.at(*slot.current), kind);
    enter(slot, SlotState::Stopping, std::move(why));
  } else {
    enter(slot, SlotState::Stopped, fmt::format("was waiting to restart after: {}", slot.why));
  }
}

/// A slot is down when its last process is, also one that was replaced and still drains.
void Pool::settle_if_gone(int slot) {
  const Slot* stopped = slot_at(slot);
  if (stopped == nullptr || stopped->state != SlotState::Stopped) return;
  const bool gone = std::ranges::none_of(
      workers_, [slot](const auto& entry) { return entry.second.slot == slot; });
  if (gone) settle(slot, Outcome::Stopped, stopped->why);
}

void Pool::begin_drain(Worker& worker, DrainKind kind) {
  worker.phase = WorkerPhase::Draining;
  worker.phase_since = now_;
  worker.deadline = now_ + worker.grace;
  worker.ready_at.reset();
  worker.recycle_at.reset();
  worker.drain_kind = kind;
}

void Pool::drain(Worker& worker, DrainKind kind) {
  switch (worker.phase) {
    case WorkerPhase::Starting:
    case WorkerPhase::Serving:
      begin_drain(worker, kind);
      break;
    case WorkerPhase::Draining:
      if (kind == DrainKind::Patient || worker.drain_kind == DrainKind::Prompt) return;
      worker.drain_kind = kind;
      break;
    case WorkerPhase::Killed:
      return;
  }
  actions_.push_back(Drain{worker.id, kind});
}

void Pool::kill(Worker& worker, KillReason reason) {
  worker.phase = WorkerPhase::Killed;
  worker.phase_since = now_;
  worker.deadline.reset();
  worker.ready_at.reset();
  worker.recycle_at.reset();
  worker.killed_for = reason;
  actions_.push_back(Kill{worker.id, reason});
}

/// Takes the worker out of its place in the slot; it drains on its own, as nobody's current.
void Pool::retire(std::optional<WorkerId>& place, DrainKind kind) {
  if (place) drain(workers_.at(*place), kind);
  place.reset();
}

}  // namespace reeve::supervisor
