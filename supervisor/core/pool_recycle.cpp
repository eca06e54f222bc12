// Recycling: a worker that is well is replaced all the same, against leaks. It waits for its turn,
// so that never more than a surge of successors starts at a time, and none beside a roll, which
// replaces it anyway.
//
//   Serving --a limit is reached--> due --token--> successor boots --Ready--> the old one drains
//                                    ^                            --ends---> a pause, then again
//                                    +---------------------------------------------+
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "ipc/base/counted.hpp"
#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {
namespace {

/// Nobody suffers while a successor does not start: the old worker serves on.
constexpr Duration kShortestPause = std::chrono::seconds(1);

std::string limit(const Worker& worker, const std::string& text) {
  return fmt::format("(limit {}{})", text, worker.recycle_share < 1.0 ? " less jitter" : "");
}

bool reaches(std::uint64_t value, std::uint64_t limit, double share) {
  return static_cast<double>(value) >= static_cast<double>(limit) * share;
}

}  // namespace

/// What the jitter leaves of each limit.
double Pool::share_of_limits(const Recycling& recycle) {
  if (!recycle.any() || recycle.jitter <= 0) return 1.0;
  return 1.0 - std::uniform_real_distribution<double>(0.0, recycle.jitter)(random_);
}

/// For one that serves since `phase_since`.
void Pool::plan_recycling(Worker& worker) {
  if (!worker.recycle.age) return;
  worker.recycle_at = worker.phase_since + std::chrono::duration_cast<Duration>(
                                               *worker.recycle.age * worker.recycle_share);
}

void Pool::note_due(Worker& worker, const Measured& found) {
  if (worker.phase != WorkerPhase::Serving || !worker.due.empty()) return;
  const auto& [requests, memory, age, jitter] = worker.recycle;
  if (requests && reaches(found.requests, *requests, worker.recycle_share)) {
    worker.due = fmt::format("{} {}", ipc::counted(found.requests, "request"),
                             limit(worker, fmt::format("{}", *requests)));
  } else if (memory && reaches(found.memory_bytes, *memory, worker.recycle_share)) {
    worker.due =
        fmt::format("{} {}", short_size(found.memory_bytes), limit(worker, short_size(*memory)));
  }
}

void Pool::note_age(Worker& worker) {
  if (!worker.recycle_at || *worker.recycle_at > now_) return;
  worker.recycle_at.reset();
  if (!worker.due.empty()) return;
  worker.due = fmt::format("{} old {}", short_duration(now_ - worker.phase_since),
                           limit(worker, short_duration(worker.recycle.age.value_or(Duration{}))));
}

void Pool::recycle() {
  if (roll_) return;
  if (spec_.surge == 0) return recycle_in_place();
  for (Slot& slot : slots_) {
    if (!wants_recycling(slot)) continue;
    if (successors() >= spec_.surge || successors() + draining() >= max_draining()) return;
    slot.successor = fork(slot, generation_, spec_);
  }
}

/// There is no room for two workers of a slot: one slot at a time stops, and starts again.
void Pool::recycle_in_place() {
  for (Slot& slot : slots_) {
    const bool others_serve = std::ranges::all_of(slots_, [this, &slot](const Slot& other) {
      return other.index == slot.index || is_down(other.state) ||
             (other.state == SlotState::Running &&
              workers_.at(other.current.value()).phase == WorkerPhase::Serving);  // Not hung.
    });
    if (!wants_recycling(slot) || !others_serve || draining() >= max_draining()) continue;
    Worker& worker = workers_.at(slot.current.value());
    enter(slot, SlotState::Stopping, fmt::format("recycled, to make room: {}", worker.due));
    drain(worker, DrainKind::Patient);
    slot.start_again = true;
  }
}

bool Pool::wants_recycling(const Slot& slot) const {
  if (slot.state != SlotState::Running || slot.successor || slot.recycle_again_at) return false;
  const Worker& worker = workers_.at(slot.current.value());
  return worker.phase == WorkerPhase::Serving && !worker.due.empty();
}

void Pool::recycled(Slot& slot) {
  promote(slot, fmt::format("recycled: {}", workers_.at(slot.current.value()).due));
  actions_.push_back(Changed{slot.index, slot.state, slot.state, slot.why});
}

void Pool::recycle_failed(Slot& slot, const std::string& why) {
  const Duration pause =
      std::max(pause_after(spec_, ++slot.failed_recycles, random_), kShortestPause);
  slot.recycle_again_at = now_ + pause;
  actions_.push_back(Changed{slot.index, slot.state, slot.state,
                             fmt::format("not recycled, the successor {}; tries again in {}", why,
                                         short_duration(pause))});
}

}  // namespace reeve::supervisor
