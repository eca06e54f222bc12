// Facts about workers, and deadlines.
#include "supervisor/core/pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace reeve::supervisor {
namespace {

std::string cause(const Worker& worker, const Death& death) {
  if (!worker.killed_for) return describe(death);
  switch (*worker.killed_for) {
    case KillReason::StartTimeout:
      return fmt::format("killed: not ready within {}", short_duration(worker.start_timeout));
    case KillReason::GraceExpired:
      return fmt::format("killed: still draining after {}", short_duration(worker.grace));
    case KillReason::GraceEndedByOperator:
      return "killed: the operator ended the grace";
    case KillReason::Hung:
      return "killed: it hung";
  }
  return describe(death);
}

}  // namespace

Pool::Pool(PoolSpec spec, std::uint32_t seed, TimePoint now)
    : spec_(std::move(spec)), random_(seed), now_(now) {
  for (int i = 0; i < spec_.workers; ++i) slots_.push_back(Slot{.index = i, .since = now});
}

Actions Pool::on(const Event& event, TimePoint now) {
  assert(now >= now_ && "time went back");
  now_ = now;
  forgive_stall();
  std::visit([this](const auto& fact) { take(fact); }, event);
  advance_roll();
  return std::exchange(actions_, {});
}

Pool::Pool(PoolState state, std::uint32_t seed, TimePoint now)
    : spec_(std::move(state.spec)),
      random_(seed),
      now_(now),
      slots_(std::move(state.slots)),
      generation_(state.generation),
      last_generation_(state.last_generation),
      next_worker_(state.next_worker) {
  for (Worker& worker : state.workers) workers_.emplace(worker.id, std::move(worker));
}

std::optional<PoolState> Pool::state() const {
  if (roll_ || !pending_.empty()) return std::nullopt;
  PoolState state{.spec = spec_,
                  .slots = slots_,
                  .workers = {},
                  .generation = generation_,
                  .last_generation = last_generation_,
                  .next_worker = next_worker_};
  for (const auto& [id, worker] : workers_) state.workers.push_back(worker);
  return state;
}

std::optional<TimePoint> Pool::next_patrol() const { return std::nullopt; }

std::optional<TimePoint> Pool::next_deadline() const {
  std::optional<TimePoint> next;
  const auto consider = [&next](const std::optional<TimePoint>& at) {
    if (at && (!next || *at < *next)) next = at;
  };
  for (const auto& [id, worker] : workers_) {
    consider(worker.deadline);
    consider(worker.ready_at);
  }
  for (const Slot& slot : slots_) consider(slot.retry_at);
  return next;
}

/// All time is monotonic, so a deadline that is long overdue is the master's own fault: it was
/// stopped, or starved. What the workers did meanwhile may still lie in its sockets, so they get
/// the time back.
void Pool::forgive_stall() {
  const auto next = next_deadline();
  if (!next || now_ - *next <= kStall) return;
  const Duration by = now_ - *next + kStall;
  for (auto& [id, worker] : workers_) {
    if (worker.deadline) *worker.deadline += by;
    if (worker.ready_at) *worker.ready_at += by;
  }
  for (Slot& slot : slots_) {
    if (slot.retry_at) *slot.retry_at += by;
    slot.policy.shift(by);
  }
}

void Pool::take(const ForkFailed& event) { remove(event.worker, Death{.exec_error = event.why}); }

void Pool::take(const Exited& event) { remove(event.worker, event.death); }

void Pool::take(const Started& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end()) return;
  Worker& worker = found->second;
  if (worker.phase != WorkerPhase::Starting || !worker.ready_after || worker.ready_at) return;
  if (*worker.ready_after == Duration::zero()) {
    became_ready(worker);
  } else {
    worker.ready_at = now_ + *worker.ready_after;
  }
}

void Pool::take(const Ready& event) {
  if (const auto found = workers_.find(event.worker); found != workers_.end()) {
    became_ready(found->second);
  }
}

/// A worker that announces its own end (it recycles itself) is followed at once, while it still
/// drains.
void Pool::take(const Leaving& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end() || found->second.phase != WorkerPhase::Serving) return;
  if (spec_.restart != RestartRule::Always) return;  // How it ends decides.
  Worker& worker = found->second;
  worker.phase = WorkerPhase::Draining;
  worker.phase_since = now_;
  worker.deadline = now_ + worker.grace;
  worker.drain_kind = DrainKind::Patient;
  if (Slot* slot = slot_at(worker.slot); slot != nullptr && slot->current == worker.id) {
    slot->current.reset();
    current_ended(*slot, worker, Death{.exit_code = 0});
  }
}

void Pool::take(const Extended& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end() || !found->second.deadline) return;
  // Asked for again and again, or with a wild value, it must not mean for ever.
  constexpr Duration kMost = std::chrono::hours(1);
  Worker& worker = found->second;
  const TimePoint asked = now_ + std::clamp(event.by, Duration::zero(), kMost);
  worker.deadline = std::max(*worker.deadline, std::min(asked, worker.phase_since + kMost));
}

void Pool::take(const Measured&) {}

void Pool::take(const GraceEnded&) {
  for (auto& [id, worker] : workers_) {
    if (worker.phase == WorkerPhase::Draining) kill(worker, KillReason::GraceEndedByOperator);
  }
}

void Pool::take(const Tick&) {
  for (auto& [id, worker] : workers_) take_deadline(worker);
  for (Slot& slot : slots_) {
    if (slot.retry_at && *slot.retry_at <= now_) {
      start_current(slot, fmt::format("next try after: {}", slot.why));
    }
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
      kill(worker, KillReason::GraceExpired);
      break;
    case WorkerPhase::Serving:
    case WorkerPhase::Killed:
      assert(false && "this phase has no deadline");
  }
}

void Pool::became_ready(Worker& worker) {
  if (worker.phase != WorkerPhase::Starting) return;  // Said twice, or while draining: ordinary.
  worker.phase = WorkerPhase::Serving;
  worker.phase_since = now_;
  worker.deadline.reset();
  worker.ready_at.reset();
  worker.was_ready = true;

  Slot* slot = slot_at(worker.slot);
  assert(slot != nullptr && "a worker that starts has a slot");
  if (slot->successor == worker.id) {
    retire(slot->current, DrainKind::Patient);
    slot->current = std::exchange(slot->successor, std::nullopt);
    enter(*slot, SlotState::Running, "replaced");
  } else {
    enter(*slot, SlotState::Running,
          fmt::format("ready after {}", short_duration(now_ - worker.forked_at)));
  }
  roll_progressed(worker);
  settle(slot->index, Outcome::Started);
}

void Pool::remove(WorkerId id, const Death& death) {
  const auto node = workers_.extract(id);
  if (node.empty()) return;
  const Worker& worker = node.mapped();
  Slot* slot = slot_at(worker.slot);
  if (slot == nullptr) return;  // Scaled away while it drained.
  if (slot->successor == id) {
    slot->successor.reset();
    roll_failed(worker, cause(worker, death));
  } else if (slot->current == id) {
    slot->current.reset();
    current_ended(*slot, worker, death);
  }
  settle_if_gone(worker.slot);
}

void Pool::current_ended(Slot& slot, const Worker& worker, const Death& death) {
  switch (slot.state) {
    case SlotState::Stopping: {
      const bool again = std::exchange(slot.start_again, false);
      enter(slot, SlotState::Stopped, cause(worker, death));
      settle_if_gone(slot.index);
      if (again) start_current(slot, "restart");
      return;
    }
    case SlotState::Starting:
    case SlotState::Running:
      if (slot.successor) {  // It was to be replaced anyway.
        slot.current = std::exchange(slot.successor, std::nullopt);
        enter(slot, SlotState::Starting, cause(worker, death));
      } else {
        restart_or_leave(slot, worker, death);
      }
      return;
    case SlotState::Stopped:
    case SlotState::Backoff:
    case SlotState::Exited:
    case SlotState::Fatal:
      assert(false && "a slot that is down has no worker");
  }
}

void Pool::restart_or_leave(Slot& slot, const Worker& worker, const Death& death) {
  const std::string why = cause(worker, death);
  const Ended end{.death = death, .was_ready = worker.was_ready, .lived = now_ - worker.forked_at};
  const AfterEnd next = slot.policy.on_end(spec_, end, now_, random_);
  const auto* retry = std::get_if<Retry>(&next);
  const bool at_once = retry != nullptr && retry->delay == Duration::zero();
  if (at_once) {
    // It starts below, once it is clear in which generation.
  } else if (retry != nullptr) {
    enter(slot, SlotState::Backoff, why);
    slot.retry_at = now_ + retry->delay;
  } else if (const auto* give_up = std::get_if<GiveUp>(&next)) {
    enter(slot, SlotState::Fatal,
          fmt::format("gave up after {} failures within {}, the last: {}", give_up->failures,
                      short_duration(spec_.give_up_within), why));
  } else {
    enter(slot, SlotState::Exited, why);
  }
  if (!worker.was_ready) settle(slot.index, Outcome::SpawnError, why, worker.id);
  if (is_failure(end)) roll_failed(worker, why);
  if (at_once) start_current(slot, why);
}

Slot* Pool::slot_at(int index) {
  return index >= 0 && index < static_cast<int>(slots_.size())
             ? &slots_[static_cast<std::size_t>(index)]
             : nullptr;
}

const Worker* Pool::find(WorkerId id) const {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : &found->second;
}

Generation Pool::upcoming_generation() const {
  return Generation{static_cast<std::uint64_t>(last_generation_) + 1};
}

bool Pool::quiet() const {
  return workers_.empty() && std::ranges::all_of(slots_, [](const Slot& slot) {
           return slot.state == SlotState::Stopped || slot.state == SlotState::Exited ||
                  slot.state == SlotState::Fatal;
         });
}

int Pool::draining() const {
  return static_cast<int>(std::ranges::count_if(workers_, [](const auto& entry) {
    return entry.second.phase == WorkerPhase::Draining || entry.second.phase == WorkerPhase::Killed;
  }));
}

}  // namespace reeve::supervisor
