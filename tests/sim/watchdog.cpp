// What the watchdog and recycling may do, and what they must: nobody that gives signs of life is
// killed, nobody that is silent is overlooked, nobody is recycled before its time or beyond the
// surge.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "tests/sim/invariant_checker.hpp"

namespace reeve::supervisor::sim {

using namespace std::chrono_literals;

void InvariantChecker::note_measured(const Measured& found, TimePoint now) {
  Seen& worker = seen_.at(found.worker);
  if (!worker.alive_at) return;
  if (found.sign_of_life && *found.sign_of_life > *worker.alive_at) {
    const TimePoint at_most = *worker.alive_at + worker.doubt;
    worker.alive_at = std::min(*found.sign_of_life, now);
    worker.doubt = std::max(Duration::zero(), at_most - *worker.alive_at);
  }
  if (worker.phase != WorkerPhase::Serving) return;
  const auto exceeds = [](std::uint64_t value, const std::optional<std::uint64_t>& limit,
                          double share) {
    return limit && static_cast<double>(value) >= static_cast<double>(*limit) * share;
  };
  const auto& [requests, memory, age, jitter] = worker.recycle;
  worker.may_be_due = worker.may_be_due || exceeds(found.requests, requests, 1 - jitter) ||
                      exceeds(found.memory_bytes, memory, 1 - jitter);
  worker.is_due = worker.is_due || exceeds(found.requests, requests, 1) ||
                  exceeds(found.memory_bytes, memory, 1);
}

void InvariantChecker::note_age(TimePoint now) {
  using Seconds = std::chrono::duration<double>;
  constexpr Seconds kRounding{1e-6};
  for (auto& [id, worker] : seen_) {
    if (!worker.recycle.age || worker.phase != WorkerPhase::Serving) continue;
    const Seconds least = Seconds(*worker.recycle.age) * (1 - worker.recycle.jitter);
    const Seconds lived = now - *worker.ready_since;
    worker.may_be_due = worker.may_be_due || lived + kRounding >= least;
  }
}

/// Silent for the whole of the watchdog, by what was reported up to the measurement.
void InvariantChecker::check_hung(const Kill& kill, const Event& event, TimePoint now) {
  const Seen& worker = seen_.at(kill.worker);
  if (const auto* hung = std::get_if<Hung>(&event)) {
    hold(hung->worker == kill.worker && worker.phase == WorkerPhase::Serving,
         "only who was asked, and serves, is killed for its answers");
    return;
  }
  const auto* measured = std::get_if<Measured>(&event);
  hold(measured != nullptr && measured->worker == kill.worker,
       "only who was just measured is killed as hung");
  hold(worker.watchdog && worker.alive_at, "only who has a watchdog, and came up, can hang");
  hold(now - *worker.alive_at >= *worker.watchdog, "no worker that was heard of is hung");
  hold(worker.phase == WorkerPhase::Serving || worker.phase == WorkerPhase::Draining,
       "only who serves or drains can hang");
  if (worker.phase == WorkerPhase::Serving) return;
  hold(measured->native && measured->sign_of_life.has_value(),
       "a foreign worker may fall silent while it drains");
}

/// A worker that is measured and has been silent for too long is killed.
void InvariantChecker::check_found(const Event& event, TimePoint now) const {
  const auto* measured = std::get_if<Measured>(&event);
  if (measured == nullptr || before_.stalled || !before_.measurement || *before_.measurement > now)
    return;
  const auto found = seen_.find(measured->worker);
  if (found == seen_.end() || !found->second.watchdog || !found->second.alive_at) return;
  const Seen& worker = found->second;
  const bool on_watch = worker.phase == WorkerPhase::Serving ||
                        (worker.phase == WorkerPhase::Draining && measured->native &&
                         measured->sign_of_life.has_value());
  if (!on_watch) return;
  hold(*before_.measurement - *worker.alive_at - worker.doubt < *worker.watchdog,
       "who is silent for longer than the watchdog is killed");
}

/// A worker with a watchdog is measured four times in its length.
void InvariantChecker::check_measured_in_time(TimePoint now) const {
  const auto next = pool_.next_measurement();
  for (const auto& [id, worker] : seen_) {
    if (worker.phase != WorkerPhase::Serving) continue;
    if (worker.watchdog) {
      const Duration period = std::max<Duration>(*worker.watchdog / 4, 10ms);
      hold(next && *next <= now + period + kStall, "whoever has a watchdog is measured in time");
    }
    const bool grows = worker.recycle.requests || worker.recycle.memory_bytes;
    if (grows && !worker.may_be_due)
      hold(next && *next <= now + 10s + kStall, "whoever may grow too much is measured in time");
  }
  hold(!next || pool_.next_deadline() <= next, "a measurement is a deadline");
}

/// Outside of a roll a successor is for a worker that is due, and not at once after one that
/// failed.
void InvariantChecker::check_recycling_fork(const Fork& fork, TimePoint now) {
  const Slot& slot = pool_.slots().at(static_cast<std::size_t>(fork.slot));
  const Seen& old = known(slot.current.value(), "recycling");
  hold(old.phase == WorkerPhase::Serving && old.may_be_due, "nobody is recycled before its time");
  const auto found = records_.find(fork.slot);
  if (found == records_.end() || !found->second.not_recycled) return;
  hold(now - *found->second.not_recycled >= 1s, "a failed recycling is followed by a pause");
}

/// A worker that is due is recycled as soon as there is a token.
void InvariantChecker::check_nobody_due_waits() const {
  const PoolSpec& spec = pool_.spec();
  if (pool_.rolling() || successors() >= std::max(1, spec.surge)) return;
  const bool others_serve = std::ranges::all_of(pool_.slots(), [this](const Slot& slot) {
    return is_down(slot.state) || (slot.state == SlotState::Running &&
                                   seen_.at(*slot.current).phase == WorkerPhase::Serving);
  });
  if (spec.surge == 0 && !others_serve) return;  // One at a time.
  const int room = std::max(1, spec.max_draining.value_or(spec.workers));
  if (successors() + pool_.draining() >= room) return;
  for (const Slot& slot : pool_.slots()) {
    if (slot.state != SlotState::Running || slot.successor || slot.recycle_again_at) continue;
    const Seen& worker = seen_.at(slot.current.value());
    hold(worker.phase != WorkerPhase::Serving || !worker.is_due, "nobody who is due waits in vain");
  }
}

}  // namespace reeve::supervisor::sim
