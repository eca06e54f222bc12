// Facts about workers.
#include "supervisor/core/pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "ipc/base/counted.hpp"

namespace reeve::supervisor {
namespace {

std::string cause_alone(const Worker& worker, const Death& death) {
  const bool by_itself = !worker.drain_kind && death.clean() && death.meaning.empty();
  if (!worker.killed_for) return by_itself ? std::string(kEndedByItself) : describe(death);
  switch (*worker.killed_for) {
    case KillReason::StartTimeout:
      if (!death.meaning.empty()) return "killed: " + death.meaning;
      return fmt::format("killed: not ready within {}", short_duration(worker.start_timeout));
    case KillReason::GraceExpired:
      return fmt::format("killed: still draining after {}", short_duration(worker.grace));
    case KillReason::GraceEndedByOperator:
      return "killed: the operator ended the grace";
    case KillReason::Hung:
      if (!worker.hung_because.empty()) return "killed: " + worker.hung_because;
      return fmt::format(
          "killed: no sign of life for {:.1f} s (watchdog {})",
          std::chrono::duration<double>(worker.silent_for.value_or(Duration{})).count(),
          short_duration(worker.watchdog.value_or(Duration{})));
    case KillReason::LeftBehind:
      return fmt::format("{}; what it left behind was killed", describe(death));
  }
  return describe(death);
}

/// The cost of a clean end that was asked for is all there is to say of it.
std::string cause(const Worker& worker, const Death& death) {
  if (death.cost.empty()) return cause_alone(worker, death);
  if (worker.drain_kind && !worker.killed_for && death.clean()) return death.cost;
  return fmt::format("{}; {}", cause_alone(worker, death), death.cost);
}

}  // namespace

Pool::Pool(PoolSpec spec, std::uint32_t seed, TimePoint now)
    : spec_(std::move(spec)), random_(seed), now_(now) {
  for (int i = 0; i < spec_.workers; ++i)
    slots_.push_back(Slot{.index = i, .since = now, .asked_at = now});
}

Actions Pool::on(const Event& event, TimePoint now) {
  assert(now >= now_ && "time went back");
  now_ = now;
  forgive_stall();
  std::visit([this](const auto& fact) { take(fact); }, event);
  // Measurements come one for each worker, and a Tick follows them: they must cost nothing.
  if (std::holds_alternative<Measured>(event) && actions_.empty()) return {};
  advance_roll();
  recycle();
  conclude();
  plan_measurement();
  deadline_ = earliest_deadline();
  return std::exchange(actions_, {});
}

Pool::Pool(PoolState state, std::uint32_t seed, TimePoint now)
    : spec_(std::move(state.spec)),
      random_(seed),
      now_(now),
      slots_(std::move(state.slots)),
      generation_(state.generation),
      last_generation_(state.last_generation),
      proven_(state.proven),
      next_worker_(state.next_worker),
      measure_at_(state.measure_at) {
  for (Worker& worker : state.workers) workers_.emplace(worker.id, std::move(worker));
  for (const auto& [id, worker] : workers_) {  // Older masters hand over no `proven`.
    if (worker.was_ready) proven_ = std::max(proven_, worker.generation);
  }
  plan_measurement();
  deadline_ = earliest_deadline();
}

std::optional<PoolState> Pool::state() const {
  if (roll_ || !pending_.empty()) return std::nullopt;
  PoolState state{.spec = spec_,
                  .slots = slots_,
                  .workers = {},
                  .generation = generation_,
                  .last_generation = last_generation_,
                  .proven = proven_,
                  .next_worker = next_worker_,
                  .measure_at = measure_at_};
  for (const auto& [id, worker] : workers_) state.workers.push_back(worker);
  return state;
}

void Pool::take(const ForkFailed& event) {
  remove(event.worker,
         Death{.exec_error = event.why, .shortage = event.shortage, .permanent = !event.shortage});
}

void Pool::take(const Exited& event) { remove(event.worker, event.death); }

/// A worker that was to end keeps its place until all of it is gone. After any other end the rest
/// drains as nobody's current, and its successor waits for that only where there is no room for
/// both.
void Pool::take(const LeaderEnded& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end() || found->second.leader_death) return;
  Worker& worker = found->second;
  worker.leader_death = event.death;
  worker.alive_at.reset();  // Nobody is left to give a sign of life.
  switch (worker.phase) {
    case WorkerPhase::Starting:
    case WorkerPhase::Serving: {
      const Worker ended = worker;
      begin_drain(worker, DrainKind::Prompt);
      vacate(ended, event.death, cause(ended, event.death));
      break;
    }
    case WorkerPhase::Draining:
      worker.drain_kind = DrainKind::Prompt;  // It hears nothing more over its channel.
      break;
    case WorkerPhase::Killed:
      break;
  }
}

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
  begin_drain(worker, DrainKind::Patient);
  assert(slot_at(worker.slot) != nullptr && "a worker that serves has a slot");
  vacate(worker, Death{.exit_code = 0}, "it left by itself");
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

void Pool::became_ready(Worker& worker) {
  if (worker.reloads()) {
    worker.deadline.reset();
    worker.ready_at.reset();
    settle(worker.slot, Outcome::Started);
    return;
  }
  if (worker.phase != WorkerPhase::Starting) return;  // Said twice, or while draining: ordinary.
  worker.phase = WorkerPhase::Serving;
  worker.phase_since = now_;
  worker.deadline.reset();
  worker.ready_at.reset();
  worker.was_ready = true;
  proven_ = std::max(proven_, worker.generation);
  worker.alive_at = now_;
  plan_recycling(worker);

  Slot* slot = slot_at(worker.slot);
  assert(slot != nullptr && "a worker that starts has a slot");
  candidate_ready(worker);
  if (slot->current == worker.id) {
    enter(*slot, SlotState::Running,
          fmt::format("ready after {}", short_duration(now_ - worker.forked_at)));
    settle(slot->index, Outcome::Started);
  } else if (!is_candidate(worker)) {
    recycled(*slot);
  }
}

void Pool::remove(WorkerId id, const Death& death) {
  const auto node = workers_.extract(id);
  if (node.empty()) return;
  const Worker& worker = node.mapped();
  const Death& end = worker.leader_death ? *worker.leader_death : death;
  if (!end.cost.empty()) note_cost(worker, end.cost);
  vacate(worker, end, cause(worker, end));
  settle_if_gone(worker.slot);
  Slot* slot = slot_at(worker.slot);
  const bool waits = slot != nullptr && slot->state == SlotState::Backoff && !slot->retry_at;
  const bool is_next =
      roll_ && roll_->pending.contains(worker.slot) &&  // advance_roll() starts it.
      (roll_->stage == Roll::Stage::Rolling || roll_->canaries.contains(worker.slot));
  if (waits && !is_next && !is_occupied(*slot)) {
    start_current(*slot, "what its last worker had left behind is gone");
  }
}

/// Frees its place in its slot, if it has one.
void Pool::vacate(const Worker& worker, const Death& death, const std::string& why) {
  Slot* slot = slot_at(worker.slot);
  if (slot == nullptr) return;  // Scaled away while it drained.
  if (slot->successor == worker.id) {
    slot->successor.reset();
    if (is_candidate(worker)) {
      roll_failed(worker, death, why);
    } else {
      recycle_failed(*slot, why);
    }
  } else if (slot->current == worker.id) {
    slot->current.reset();
    current_ended(*slot, worker, death, why);
  }
}

void Pool::current_ended(Slot& slot, const Worker& worker, const Death& death,
                         const std::string& why) {
  switch (slot.state) {
    case SlotState::Stopping: {
      const bool again = std::exchange(slot.start_again, false);
      const bool made_room = roll_ && roll_->emptied.contains(slot.index);
      enter(slot, SlotState::Stopped, why);
      settle_if_gone(slot.index);
      if (again) start_current(slot, made_room ? "rolling restart" : "restart");
      return;
    }
    case SlotState::Starting:
    case SlotState::Running:
      if (!slot.successor) {
        restart_or_leave(slot, worker, death, why);
      } else if (ends_for_good(spec_, death) && !is_candidate(workers_.at(*slot.successor))) {
        // Its work is done: there is nothing left to recycle.
        retire(slot.successor, DrainKind::Prompt);
        restart_or_leave(slot, worker, death, why);
      } else {  // It was to be replaced anyway.
        slot.current = std::exchange(slot.successor, std::nullopt);
        const bool serves = workers_.at(*slot.current).was_ready;
        enter(slot, serves ? SlotState::Running : SlotState::Starting, why);
        if (serves) settle(slot.index, Outcome::Started);
      }
      return;
    case SlotState::Stopped:
    case SlotState::Backoff:
    case SlotState::Exited:
    case SlotState::Fatal:
      assert(false && "a slot that is down has no worker");
  }
}

void Pool::restart_or_leave(Slot& slot, const Worker& worker, const Death& death,
                            const std::string& why) {
  const Ended end{.death = death,
                  .was_ready = worker.was_ready,
                  .lived = now_ - worker.forked_at,
                  .version_was_ready = worker.generation <= proven_};
  const bool on_trial = is_candidate(worker);
  const bool finished = has_finished(spec_, end);
  const bool has_failed =
      !finished && (is_failure(spec_, end) || (on_trial && !ends_for_good(spec_, death)));
  if (on_trial && !has_failed) accept(slot.index);  // One-shot work that is done need not soak.
  const bool made_room =
      roll_ && roll_->direction == Roll::Direction::Forward && roll_->emptied.contains(slot.index);
  if (made_room && has_failed) {  // The old generation does not wait for what the new one did.
    if (!worker.was_ready) settle(slot.index, Outcome::SpawnError, why, worker.id);
    roll_failed(worker, death, why);
    start_current(slot, why);
    return;
  }
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
          give_up->failures == 0
              ? fmt::format("gave up, since trying again cannot mend it: {}", why)
              : fmt::format("gave up after {} within {}, the last: {}",
                            ipc::counted(give_up->failures, "failure"),
                            short_duration(spec_.give_up_within), why));
  } else {
    enter(slot, SlotState::Exited, why);
    slot.finished = finished;
  }
  // A command that waits for one that was ready has told it to reload.
  settle(slot.index, finished ? Outcome::Finished : Outcome::SpawnError, why, worker.id);
  if (has_failed) roll_failed(worker, death, why);
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
