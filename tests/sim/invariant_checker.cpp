#include "tests/sim/invariant_checker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace reeve::supervisor::sim {

using namespace std::chrono_literals;

std::optional<CommandId> command_of(const Event& event) {
  return std::visit(
      []<class T>(const T& e) -> std::optional<CommandId> {
        if constexpr (requires { e.command; } && !std::is_same_v<T, Judged>) return e.command;
        return std::nullopt;
      },
      event);
}

std::optional<WorkerId> worker_of(const Event& event) {
  return std::visit(
      [](const auto& e) -> std::optional<WorkerId> {
        if constexpr (requires { e.worker; }) return e.worker;
        return std::nullopt;
      },
      event);
}

InvariantChecker::InvariantChecker(const Pool& pool) : pool_(pool) {
  for (const Slot& slot : pool_.slots()) told_down_.insert(slot.index);
}

void InvariantChecker::before(const Event& event, TimePoint now) {
  before_ = Snapshot{.spec = pool_.spec(),
                     .rules = pool_.rolling_spec(),
                     .generation = pool_.generation(),
                     .deadline = pool_.next_deadline(),
                     .rolling = pool_.rolling(),
                     .serving = serving_slots(),
                     .measurement = pool_.next_measurement()};
  for (const Slot& slot : pool_.slots()) {
    if (slot.successor) before_.successors.insert(*slot.successor);
    if (slot.current && slot.state != SlotState::Stopping) before_.wanted.insert(*slot.current);
  }
  if (before_.deadline && now - *before_.deadline > kStall) {
    before_.stalled = true;
    forgive(now - *before_.deadline);
  }
  note_request(event);
}

void InvariantChecker::after(const Event& event, const Actions& actions, TimePoint now) {
  const auto about = worker_of(event);
  const bool is_due = before_.deadline && *before_.deadline <= now;
  const bool was_measured = std::exchange(measured_, std::holds_alternative<Measured>(event));
  if (about && !seen_.contains(*about) && !is_due && !was_measured && !actions.empty()) {
    throw Broken("a message of a worker that is gone changes nothing");
  }
  may_give_up_ = false;
  note(event, now);
  catch_up(now);
  note_trial(event);
  for (const Action& action : actions) {
    if (const auto* fork = std::get_if<Fork>(&action)) note_fork(*fork, event, now);
    if (const auto* drain = std::get_if<Drain>(&action)) {
      check_replaced(*drain, event, now);
      note_drain(*drain, now);
    }
    if (const auto* watch = std::get_if<Watch>(&action)) note_watch(*watch, now);
    if (const auto* judge = std::get_if<Judge>(&action)) note_judge(*judge, now);
    if (const auto* kill = std::get_if<Kill>(&action)) note_kill(*kill, event, now);
    if (const auto* changed = std::get_if<Changed>(&action)) note_change(*changed, now);
  }
  const auto scaled_away = [this](int slot) { return slot >= pool_.spec().workers; };
  std::erase_if(told_down_, scaled_away);
  std::erase_if(told_up_, scaled_away);
  for (auto& [id, asked] : asked_) {
    asked.fewest_slots = std::min(asked.fewest_slots, pool_.spec().workers);
  }
  check_same_workers();
  check_counts();
  check_slots(now);
  check_deadlines(event, now);
  check_service(event);
  check_found(event, now);
  check_measured_in_time(now);
  // Measurements are acted on at the Tick that follows them.
  if (!std::holds_alternative<Measured>(event)) check_nobody_due_waits();
  note_room(event);
  note_roll();
  for (const Action& action : actions) {
    if (const auto* finished = std::get_if<Finished>(&action)) note_finished(*finished);
  }
}

/// The master slept past a deadline: what it measured meanwhile does not count, and it may look
/// around for up to kStall before it acts.
void InvariantChecker::forgive(Duration late) {
  for (auto& [id, worker] : seen_) {
    worker.kill_from += late;
    worker.kill_by += late + kStall;
    if (worker.alive_at) *worker.alive_at += late;
    if (worker.ready_since) *worker.ready_since += late;
    worker.doubt += kStall;
  }
}

void InvariantChecker::note_request(const Event& event) {
  const auto command = command_of(event);
  if (!command) return;
  asked_.emplace(
      *command, Asked{event, pool_.generation(), pool_.spec(), last_forked_, pool_.spec().workers});
  records_.clear();  // A command wants its slots tried.
  note_wish(event);
}

/// Whether a slot is to be down or up, as far as the last request says. A roll starts what is down,
/// but when it fails it may leave it down.
void InvariantChecker::note_wish(const Event& request) {
  const int size = static_cast<int>(pool_.slots().size());
  const auto wish = [&](const SlotSet& slots, bool down, bool up) {
    if (!slots.empty() && *slots.rbegin() >= size) return;  // Will be refused.
    for (int index = 0; index < size; ++index) {
      if (!slots.empty() && !slots.contains(index)) continue;
      told_down_.erase(index);
      told_up_.erase(index);
      if (down) told_down_.insert(index);
      if (up) told_up_.insert(index);
    }
  };
  if (const auto* stop = std::get_if<StopRequested>(&request)) wish(stop->slots, true, false);
  if (const auto* start = std::get_if<StartRequested>(&request)) wish(start->slots, false, true);
  if (const auto* hard = std::get_if<HardRestartRequested>(&request))
    wish(hard->slots, false, true);
  if (const auto* roll = std::get_if<RollRequested>(&request)) {
    wish(roll->spec || roll->canary ? SlotSet{} : roll->slots, false, false);
  }
}

void InvariantChecker::note(const Event& event, TimePoint now) {
  const auto about = worker_of(event);
  const auto found = about ? seen_.find(*about) : seen_.end();
  if (found == seen_.end()) return;
  Seen& worker = found->second;

  if (const auto* exited = std::get_if<Exited>(&event)) {
    note_end(*about, worker.left.value_or(exited->death), now);
    seen_.erase(found);
  } else if (const auto* ended = std::get_if<LeaderEnded>(&event)) {
    if (worker.left) return;
    worker.left = ended->death;
    worker.alive_at.reset();
    worker.prompt = true;
    if (worker.phase != WorkerPhase::Starting && worker.phase != WorkerPhase::Serving) return;
    note_end(*about, ended->death, now);
    begin_drain(worker, now);
  } else if (const auto* failed = std::get_if<ForkFailed>(&event)) {
    note_end(*about, Death{.shortage = failed->shortage, .permanent = !failed->shortage}, now);
    seen_.erase(found);
  } else if (const auto* extended = std::get_if<Extended>(&event)) {
    // However often it asks, or for how long: no phase is longer than an hour for that.
    const TimePoint asked = now + std::min(extended->by, Duration(1h));
    worker.kill_by = std::max(worker.kill_by, std::min(asked, worker.phase_since + 1h));
  } else if (const auto* measured = std::get_if<Measured>(&event)) {
    note_measured(*measured, now);
  } else if (std::holds_alternative<Started>(event)) {
    if (worker.ready_after && !worker.ready_from) worker.ready_from = now + *worker.ready_after;
  } else if (std::holds_alternative<Ready>(event) && worker.phase == WorkerPhase::Starting) {
    begin_service(worker, now);
  } else if (std::holds_alternative<Leaving>(event) && worker.phase == WorkerPhase::Serving) {
    // Its word counts where all that end are followed; elsewhere only its exit does, and until then
    // it may be drained like any other.
    if (before_.spec.restart != RestartRule::Always) return;
    note_end(*about, Death{.exit_code = 0}, now);
    begin_drain(worker, now);
  }
}

void InvariantChecker::note_change(const Changed& changed, TimePoint now) {
  if (changed.to == SlotState::Exited && trial_.canaries.contains(changed.slot))
    trial_.is_done = true;
  hold(changed.to != SlotState::Fatal || may_give_up_,
       "FATAL is what trying again cannot mend, or what a written give_up says");
  if (changed.to != SlotState::Backoff) return;
  const auto& retry_at = pool_.slots().at(static_cast<std::size_t>(changed.slot)).retry_at;
  const Duration longest = std::max(before_.spec.backoff_max, pool_.spec().backoff_max);
  hold(!retry_at || *retry_at - now <= longest * 5 / 4, "no pause is longer than backoff_max");
}

/// A worker ended. Told to, that is no failure; and a roll answers for its own.
void InvariantChecker::note_end(WorkerId id, const Death& death, TimePoint now) {
  const Seen& worker = seen_.at(id);
  const bool useful = worker.was_ready && now - worker.forked_at >= 1s;
  const bool temporary = death.exit_code == 69 || death.exit_code == 75;
  const bool hopeless = death.permanent && !useful && worker.generation > proven_;
  const bool counts = !useful && !temporary && !death.shortage;
  may_give_up_ =
      hopeless || (counts && (pool_.spec().give_up_failures || before_.spec.give_up_failures));
  if (pool_.rolling() || before_.rolling) return;
  Record& record = records_[worker.slot];
  const bool was_recycling =
      worker.phase == WorkerPhase::Starting || worker.phase == WorkerPhase::Killed;
  if (!before_.wanted.contains(id) && was_recycling && before_.successors.contains(id)) {
    record.not_recycled = now;
  }
  if (!before_.wanted.contains(id)) return;
  record.ended = now;
  record.pause_from.reset();
  const bool was_followed = std::ranges::any_of(before_.successors, [&](WorkerId successor) {
    return seen_.contains(successor) && seen_.at(successor).slot == worker.slot;
  });
  if (was_followed) return;  // The successor was there already: nothing to restart.
  record.hopeless = hopeless;
  record.in_a_row = useful ? 0 : record.in_a_row + (death.shortage ? 0 : 1);
  record.least_pause = pool_.spec().backoff_first;
  if (!worker.was_ready || death.shortage) {
    record.pause_from = now;
    for (int i = 1; !death.shortage && i < record.in_a_row; ++i) {
      record.least_pause = std::min(record.least_pause * 2, pool_.spec().backoff_max);
    }
  }
  if (counts) record.failures.push_back(now);
  if (useful && !death.clean()) {  // Never gives up, but does not spin either.
    record.incidents.push_back(now);
    const auto recent = std::ranges::count_if(record.incidents, [&](TimePoint incident) {
      return now - incident < pool_.spec().give_up_within;
    });
    if (recent > pool_.spec().give_up_failures.value_or(5)) record.pause_from = now;
  }
}

/// Readiness by time has no event of its own: the pool says when, within reason.
void InvariantChecker::catch_up(TimePoint now) {
  for (auto& [id, worker] : seen_) {
    const Worker* same = pool_.find(id);
    if (same == nullptr || worker.phase != WorkerPhase::Starting || !same->was_ready) continue;
    if (!worker.ready_from || *worker.ready_from > now) {
      throw Broken(
          fmt::format("worker {} counts as ready and never said so", std::to_underlying(id)));
    }
    begin_service(worker, now);
  }
  note_age(now);
}

void InvariantChecker::begin_service(Seen& worker, TimePoint now) {
  worker.phase = WorkerPhase::Serving;
  worker.was_ready = true;
  proven_ = std::max(proven_, worker.generation);
  worker.ready_since = worker.alive_at = worker.phase_since = now;
  worker.doubt = {};
}

void InvariantChecker::note_fork(const Fork& fork, const Event& event, TimePoint now) {
  const Worker* same = pool_.find(fork.worker);
  if (same == nullptr) throw Broken("a forked worker is in the pool");
  if (fork.worker <= last_forked_) throw Broken("a WorkerId never comes back");
  last_forked_ = newest_[fork.slot] = fork.worker;
  if (told_down_.contains(fork.slot)) throw Broken("a slot that was stopped stays down");
  if (!before_.rolling && !pool_.rolling() && pool_.spec().surge == 0) {
    for (const auto& [id, worker] : pool_.workers()) {
      if (worker.slot == fork.slot && id != fork.worker)
        throw Broken("without a surge nothing starts before the last worker is all gone");
    }
  }
  seen_.emplace(fork.worker, Seen{.slot = fork.slot,
                                  .generation = fork.generation,
                                  .forked_at = now,
                                  .grace = same->grace,
                                  .ready_after = same->ready_after,
                                  .phase_since = now,
                                  .watchdog = same->watchdog,
                                  .recycle = same->recycle,
                                  .kill_from = now + same->start_timeout,
                                  .kill_by = now + same->start_timeout + kStall});
  check_successor_fits(fork);
  if (before_.rolling || pool_.rolling()) {
    check_canary_fork(fork);
    records_.erase(fork.slot);
  } else if (pool_.slots().at(static_cast<std::size_t>(fork.slot)).successor == fork.worker) {
    check_recycling_fork(fork, now);
  } else {
    if (!command_of(event)) check_automatic_restart(fork.slot, now);
    records_[fork.slot].not_recycled.reset();  // The pause was for the worker that it spared.
  }
}

void InvariantChecker::begin_drain(Seen& worker, TimePoint now) {
  worker.phase = WorkerPhase::Draining;
  worker.phase_since = now;
  worker.kill_from = now + worker.grace;
  worker.kill_by = now + worker.grace + kStall;
}

void InvariantChecker::note_drain(const Drain& drain, TimePoint now) {
  Seen& worker = known(drain.worker, "Drain");
  const bool prompt = drain.kind == DrainKind::Prompt;
  switch (worker.phase) {
    case WorkerPhase::Starting:
    case WorkerPhase::Serving:
      begin_drain(worker, now);
      break;
    case WorkerPhase::Draining:
      if (!prompt || worker.prompt) throw Broken("a second Drain only turns patient into prompt");
      break;
    case WorkerPhase::Killed:
      throw Broken("a killed worker is told nothing");
  }
  worker.prompt = prompt;
}

void InvariantChecker::note_kill(const Kill& kill, const Event& event, TimePoint now) {
  Seen& worker = known(kill.worker, "Kill");
  const WorkerPhase phase = std::exchange(worker.phase, WorkerPhase::Killed);
  if (phase == WorkerPhase::Killed) throw Broken("a worker is killed once");
  switch (kill.reason) {
    case KillReason::Hung:
      worker.phase = phase;
      check_hung(kill, event, now);
      worker.phase = WorkerPhase::Killed;
      return;
    case KillReason::GraceEndedByOperator:
      if (!std::holds_alternative<GraceEnded>(event)) throw Broken("nobody ended the grace");
      if (phase != WorkerPhase::Draining) throw Broken("only a grace that runs can be ended");
      return;
    case KillReason::GraceExpired:
    case KillReason::LeftBehind:
      if (worker.left.has_value() != (kill.reason == KillReason::LeftBehind))
        throw Broken("what is left behind is killed as that, and nothing else is");
      if (phase != WorkerPhase::Draining)
        throw Broken("no grace runs for a worker that does not drain");
      break;
    case KillReason::StartTimeout:
      if (phase != WorkerPhase::Starting) throw Broken("start_timeout is for workers that start");
      break;
  }
  if (now < worker.kill_from)
    throw Broken("no SIGKILL before the grace, or start_timeout, has passed");
  if (before_.stalled) throw Broken("a stall of the master is no worker's fault");
}

/// A roll has deployed when the generation changes. Its answer may come later: when workers that
/// the new version has more are up, too.
void InvariantChecker::note_roll() {
  if (!roll_ || pool_.rolling()) return;
  check_trial(pool_.generation() != roll_->generation);
  if (pool_.generation() != roll_->generation) {
    check_deployed(std::get<RollRequested>(roll_->request));
  } else {
    check_not_deployed(*roll_);
  }
  roll_.reset();
}

void InvariantChecker::note_finished(const Finished& finished) {
  const auto node = asked_.extract(finished.command);
  if (node.empty()) {
    throw Broken(answered_.contains(finished.command) ? "a command is answered once"
                                                      : "an answer has a question");
  }
  answered_.insert(finished.command);
  const Asked& asked = node.mapped();
  for (const SlotVerdict& verdict : finished.verdicts) {
    const bool goes_on = std::holds_alternative<HardRestartRequested>(asked.request);
    if (verdict.outcome == Outcome::Stopped && !goes_on) {
      check_stopped(asked, verdict.slot.value());
    }
    const bool says_up =
        verdict.outcome == Outcome::Started || verdict.outcome == Outcome::AlreadyStarted;
    if (says_up && pool_.slots().at(static_cast<std::size_t>(verdict.slot.value())).state !=
                       SlotState::Running) {
      throw Broken("no verdict says of a slot that it is up while it is not");
    }
    if (verdict.outcome != Outcome::Rolled) continue;
    const auto& request = std::get<RollRequested>(asked.request);
    const bool whole = request.slots.empty() || request.spec || request.canary;
    if (whole && pool_.generation() == asked.generation) throw Broken("rolled means deployed");
  }
}

InvariantChecker::Seen& InvariantChecker::known(WorkerId id, const char* order) {
  const auto found = seen_.find(id);
  if (found == seen_.end()) {
    throw Broken(fmt::format("{} for worker {}, which is gone", order, std::to_underlying(id)));
  }
  return found->second;
}

}  // namespace reeve::supervisor::sim
