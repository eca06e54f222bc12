// Deadlines: what is due when, and what a Tick makes of it.
#include <fmt/format.h>

#include <cassert>

#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {

std::optional<TimePoint> Pool::next_deadline() const { return deadline_; }

std::optional<TimePoint> Pool::earliest_deadline() const {
  std::optional<TimePoint> next;
  const auto consider = [&next](const std::optional<TimePoint>& at) {
    if (at && (!next || *at < *next)) next = at;
  };
  for (const auto& [id, worker] : workers_) {
    consider(worker.deadline);
    consider(worker.ready_at);
    consider(worker.recycle_at);
  }
  for (const Slot& slot : slots_) {
    consider(slot.retry_at);
    consider(slot.recycle_again_at);
  }
  consider(next_trial());
  consider(measure_at_);
  return next;
}

/// All time is monotonic, so a deadline that is long overdue is the master's own fault: it was
/// stopped, or starved. What the workers did meanwhile may still lie in its sockets, so they get
/// the time back.
void Pool::forgive_stall() {
  if (!deadline_ || now_ - *deadline_ <= kStall) return;
  const Duration by = now_ - *deadline_ + kStall;
  *deadline_ += by;
  for (auto& [id, worker] : workers_) {
    if (worker.deadline) *worker.deadline += by;
    if (worker.ready_at) *worker.ready_at += by;
    if (worker.alive_at) *worker.alive_at += by;
    if (worker.recycle_at) *worker.recycle_at += by;
  }
  for (Slot& slot : slots_) {
    if (slot.retry_at) *slot.retry_at += by;
    if (slot.recycle_again_at) *slot.recycle_again_at += by;
    slot.policy.shift(by);
  }
  if (measure_at_) *measure_at_ += by;
  if (!roll_) return;
  roll_->until += by;
  for (auto& [slot, candidate] : roll_->starting) candidate.soaked_at += by;
}

void Pool::take(const GraceEnded&) {
  for (auto& [id, worker] : workers_) {
    if (worker.phase == WorkerPhase::Draining) kill(worker, KillReason::GraceEndedByOperator);
  }
}

void Pool::take(const Tick&) {
  if (measure_at_ && *measure_at_ <= now_) measure_at_.reset();  // The next one is planned below.
  for (auto& [id, worker] : workers_) {
    take_deadline(worker);
    note_age(worker);
  }
  for (Slot& slot : slots_) {
    if (slot.retry_at && *slot.retry_at <= now_) {
      start_current(slot, fmt::format("tries again, after: {}", slot.why));
    }
    if (slot.recycle_again_at && *slot.recycle_again_at <= now_) slot.recycle_again_at.reset();
  }
}

void Pool::take_deadline(Worker& worker) {
  if (worker.ready_at && *worker.ready_at <= now_) {
    became_ready(worker);
    return;
  }
  if (!worker.deadline || *worker.deadline > now_) return;
  switch (worker.phase) {
    case WorkerPhase::Starting:
      kill(worker, KillReason::StartTimeout);
      break;
    case WorkerPhase::Draining:
      kill(worker, worker.leader_death ? KillReason::LeftBehind : KillReason::GraceExpired);
      break;
    case WorkerPhase::Serving:
      reload_failed(worker);
      break;
    case WorkerPhase::Killed:
      assert(false && "this phase has no deadline");
  }
}

}  // namespace reeve::supervisor
