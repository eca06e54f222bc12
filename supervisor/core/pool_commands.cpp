// The operator's requests. Each is answered by exactly one Finished: at once when nothing has to be
// waited for, else when the last of its slots is settled.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

#include "ipc/base/counted.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/core/process_name.hpp"

namespace reeve::supervisor {
namespace {

std::string how_many_workers(std::size_t serving, std::size_t all) {
  return (serving == all ? "" : fmt::format("{} of ", serving)) + ipc::counted(all, "worker");
}

/// ", 2 old draining"; none is not worth a word.
std::string how_many_drain(int count, std::string_view which) {
  return count == 0 ? "" : fmt::format(", {} {}draining", count, which);
}

/// Whether it says of the slot that it is up.
bool is_up(const SlotVerdict& verdict) {
  return verdict.outcome == Outcome::Started || verdict.outcome == Outcome::AlreadyStarted;
}

bool is_well(const SlotVerdict& verdict) {
  return verdict.outcome == Outcome::Started || verdict.outcome == Outcome::Finished ||
         verdict.outcome == Outcome::Stopped;
}

}  // namespace

void Pool::take(const StartRequested& event) {
  const auto slots = resolve(event.command, event.slots);
  if (!slots) return;
  Pending pending{.command = event.command, .kind = Pending::Kind::Start};
  for (const int index : *slots) bring_up(*slot_at(index), pending);
  begin(std::move(pending));
}

void Pool::bring_up(Slot& slot, Pending& pending) {
  switch (slot.state) {
    case SlotState::Running:
      pending.verdicts.push_back({slot.index, Outcome::AlreadyStarted, {}, {}});
      return;
    case SlotState::Starting:
      break;
    case SlotState::Stopping:
      slot.start_again = true;
      break;
    case SlotState::Stopped:
    case SlotState::Backoff:
    case SlotState::Exited:
    case SlotState::Fatal:
      ask(slot);
      start_current(slot, "start");
      break;
  }
  pending.waiting.insert(slot.index);
}

/// A restart where programs have a master of their own: what serves reads its configuration anew,
/// what is down starts.
void Pool::reload(CommandId command, const SlotSet& slots) {
  Pending pending{.command = command, .kind = Pending::Kind::Reload};
  for (const int index : slots) {
    Slot& slot = *slot_at(index);
    if (slot.state != SlotState::Running) {
      bring_up(slot, pending);
      continue;
    }
    pending.waiting.insert(index);
    Worker& worker = workers_.at(slot.current.value());
    if (worker.phase != WorkerPhase::Serving) continue;  // Killed, as it had hung.
    worker.deadline = now_ + worker.start_timeout;
    if (worker.ready_after) worker.ready_at = now_ + *worker.ready_after;
    actions_.push_back(TellToReload{worker.id});
  }
  begin(std::move(pending));
}

/// It may serve as it did, so that it is left alone.
void Pool::reload_failed(Worker& worker) {
  worker.deadline.reset();
  worker.ready_at.reset();
  settle(worker.slot, Outcome::Aborted,
         fmt::format("not ready again within {} of being told to reload; it is left running",
                     short_duration(worker.start_timeout)),
         worker.id);
}

void Pool::take(const StopRequested& event) {
  const auto slots = resolve(event.command, event.slots);
  if (!slots) return;
  const bool whole = covers_all_running(*slots);
  if (whole) abandon_roll("the pool was stopped");
  const DrainKind kind = whole ? DrainKind::Prompt : DrainKind::Patient;

  Pending pending{.command = event.command, .kind = Pending::Kind::Stop};
  for (const int index : *slots) {
    Slot& slot = *slot_at(index);
    switch (slot.state) {
      case SlotState::Stopped:
      case SlotState::Exited:
      case SlotState::Fatal:
        withdraw_from_roll(index);
        settle(index, Outcome::Aborted, "stopped by a later command");
        pending.verdicts.push_back({index, Outcome::NotRunning, {}, {}});
        continue;
      case SlotState::Backoff:
      case SlotState::Starting:
      case SlotState::Running:
        stop(slot, kind, "stop");
        break;
      case SlotState::Stopping:
        settle(index, Outcome::Aborted, "stopped by a later command");
        withdraw_from_roll(index);
        slot.start_again = false;
        break;
    }
    pending.waiting.insert(index);
  }
  if (whole) {  // Nobody serves any more: what still drains patiently has no reason to wait.
    for (auto& [id, worker] : workers_) {
      if (worker.phase == WorkerPhase::Draining) drain(worker, DrainKind::Prompt);
    }
  }
  begin(std::move(pending));
}

void Pool::take(const HardRestartRequested& event) {
  const auto slots = resolve(event.command, event.slots);
  if (!slots) return;
  const bool whole = covers_all_running(*slots);
  if (whole) abandon_roll("the pool was restarted");
  Pending pending{.command = event.command, .kind = Pending::Kind::HardRestart, .waiting = *slots};
  for (const int index : *slots) {
    Slot& slot = *slot_at(index);
    ask(slot);
    if (slot.current) {
      pending.stops.insert(index);
      if (slot.state != SlotState::Stopping) {
        stop(slot, whole ? DrainKind::Prompt : DrainKind::Patient, "restart");
      } else if (whole) {  // It was to make room in a roll, which had all the time of its grace.
        drain(workers_.at(*slot.current), DrainKind::Prompt);
      }
      slot.start_again = true;
    } else {
      settle(index, Outcome::Aborted, "restarted by a later command");
      withdraw_from_roll(index);
      start_current(slot, "restart");
    }
  }
  begin(std::move(pending));
}

void Pool::take(const ScaleRequested& event) {
  if (event.workers < 0) {
    answer(event.command, Outcome::Aborted, "a pool cannot have fewer than 0 workers");
    return;
  }
  Pending pending{.command = event.command, .kind = Pending::Kind::Scale};
  shrink(event.workers);
  grow(event.workers, pending.waiting);
  spec_.workers = event.workers;
  if (roll_ && roll_->spec) roll_->spec->workers = event.workers;
  begin(std::move(pending));
}

void Pool::take(const Reconfigured& event) {
  const int workers = spec_.workers;
  spec_ = event.spec;
  spec_.workers = workers;
  for (auto& [id, worker] : workers_) {
    // One that a roll has brought goes by what came with it.
    if (worker.generation == generation_) reconfigure(worker, event.native.contains(id));
  }
}

void Pool::reconfigure(Worker& worker, bool is_native) {
  if (!is_native || spec_.grace > worker.grace) worker.grace = spec_.grace;
  const bool knows_of_it = worker.watchdog && spec_.watchdog >= worker.watchdog;
  if (is_native || knows_of_it || !spec_.watchdog) {
    if (!worker.watchdog && worker.alive_at) worker.alive_at = now_;
    worker.watchdog = spec_.watchdog;
  }
  if (worker.recycle == spec_.recycle) return;
  worker.recycle = spec_.recycle;
  worker.recycle_share = share_of_limits(worker.recycle);
  worker.due.clear();
  worker.recycle_at.reset();
  if (worker.phase == WorkerPhase::Serving) plan_recycling(worker);
}

/// An operator wants it up: what was before does not count.
void Pool::ask(Slot& slot) const {
  slot.policy.forget();
  slot.asked_at = now_;
}

/// Adds slots at the end. They start, unless the operator has stopped the whole pool.
void Pool::grow(int workers, SlotSet& added) {
  const bool down = !slots_.empty() && std::ranges::all_of(slots_, [](const Slot& slot) {
    return slot.state == SlotState::Stopped ||
           (slot.state == SlotState::Stopping && !slot.start_again);
  });
  while (static_cast<int>(slots_.size()) < workers) {
    const int index = static_cast<int>(slots_.size());
    slots_.push_back(Slot{.index = index, .since = now_, .asked_at = now_});
    if (down) continue;
    added.insert(index);
    start_current(slots_.back(), "scale");
  }
}

/// Takes slots away from the end. Their workers drain on, belonging to no slot.
void Pool::shrink(int workers) {
  const DrainKind kind = workers == 0 ? DrainKind::Prompt : DrainKind::Patient;
  while (static_cast<int>(slots_.size()) > workers) {
    Slot& slot = slots_.back();
    settle(slot.index, Outcome::Aborted, "scaled away");
    settle(slot.index, Outcome::Stopped, "scaled away");
    withdraw_from_roll(slot.index);
    retire(slot.current, kind);
    enter(slot, SlotState::Stopped, "scaled away");
    slots_.pop_back();
  }
}

/// Slot indexes that exist; none given means all of them. Answers the command itself when one does
/// not.
std::optional<SlotSet> Pool::resolve(CommandId command, const SlotSet& slots) {
  SlotSet known = slots;
  if (slots.empty()) {
    for (const Slot& slot : slots_) known.insert(slot.index);
  }
  const auto stranger =
      std::ranges::find_if(known, [this](int index) { return slot_at(index) == nullptr; });
  if (stranger == known.end()) return known;
  actions_.push_back(
      Finished{command,
               {{*stranger,
                 Outcome::NoSuchProcess,
                 fmt::format("{} has {}", spec_.name, ipc::counted(slots_.size(), "worker")),
                 {}}}});
  return std::nullopt;
}

/// Whether nobody would be left to serve.
bool Pool::covers_all_running(const SlotSet& slots) const {
  return std::ranges::all_of(slots_, [&slots](const Slot& slot) {
    return slots.contains(slot.index) || (slot.state != SlotState::Running &&
                                          slot.state != SlotState::Starting && !slot.start_again);
  });
}

void Pool::begin(Pending pending) {
  const SlotSet waiting = pending.waiting;
  pending_.push_back(std::move(pending));
  for (const int slot : waiting) settle_if_gone(slot);
}

/// What happened to a slot, told to every command that waits for it.
void Pool::settle(int slot, Outcome outcome, const std::string& text,
                  std::optional<WorkerId> culprit) {
  for (Pending& pending : pending_) {
    if (!pending.waiting.contains(slot)) continue;
    const bool is_stop = pending.kind == Pending::Kind::Stop;
    const bool concerns = is_stop ? outcome == Outcome::Stopped : outcome != Outcome::Stopped;
    if (!concerns) continue;
    pending.waiting.erase(slot);
    if (pending.stops.contains(slot) && outcome != Outcome::Aborted) {
      pending.verdicts.push_back({slot, Outcome::Stopped, {}, {}});
    }
    pending.verdicts.push_back({slot, outcome, text, culprit});
  }
}

/// Answers the commands whose slots are all settled. At the end of an event, when nothing that a
/// verdict says can change any more.
void Pool::conclude() {
  std::erase_if(pending_, [this](Pending& pending) {
    if (!pending.waiting.empty()) return false;
    for (SlotVerdict& verdict : pending.verdicts) {
      correct(verdict);
      const auto costs = pending.costs.find(verdict.slot.value_or(-1));
      if (costs == pending.costs.end()) continue;
      for (const std::string& cost : costs->second) {
        verdict.text += (verdict.text.empty() ? "" : "; ") + cost;
      }
      pending.costs.erase(costs);  // Of a hard restart: with the stop, not with the start.
    }
    const bool has_summary = pending.kind != Pending::Kind::Start &&
                             pending.kind != Pending::Kind::Stop &&
                             std::ranges::all_of(pending.verdicts, is_well);
    if (has_summary && pending.kind != Pending::Kind::HardRestart) pending.verdicts.clear();
    std::ranges::stable_sort(pending.verdicts, {}, &SlotVerdict::slot);
    if (has_summary) pending.verdicts.push_back(summary(pending));
    actions_.push_back(Finished{pending.command, std::move(pending.verdicts)});
    return true;
  });
}

/// What was up when its verdict came may be down when the last one has come.
void Pool::correct(SlotVerdict& verdict) {
  const Slot* slot = slot_at(verdict.slot.value_or(-1));
  if (!is_up(verdict) || (slot != nullptr && slot->state == SlotState::Running)) return;
  if (slot == nullptr) {
    verdict = {verdict.slot, Outcome::Aborted, "scaled away", {}};
  } else {
    verdict.outcome = slot->finished ? Outcome::Finished : Outcome::SpawnError;
    verdict.text = fmt::format("{}is {} now: {}", slot->finished ? "" : "it was started, and ",
                               to_string(slot->state), slot->why);
  }
}

/// Commands that wait for the slot tell it, and a roll tells it of every slot. The current worker's
/// is the text of a stop already.
void Pool::note_cost(const Worker& worker, const std::string& cost) {
  if (roll_) roll_->costs[worker.slot].insert(cost);
  const Slot* slot = slot_at(worker.slot);
  const bool is_current = slot != nullptr && slot->current == worker.id;
  for (Pending& pending : pending_) {
    const bool is_told = pending.kind == Pending::Kind::Stop && is_current;
    if (pending.waiting.contains(worker.slot) && !is_told) {
      pending.costs[worker.slot].insert(cost);
    }
  }
}

/// Slots that are up.
std::size_t Pool::serving() const {
  return static_cast<std::size_t>(std::ranges::count(slots_, SlotState::Running, &Slot::state));
}

/// The verdict on a command about the pool as a whole, when it went well.
SlotVerdict Pool::summary(const Pending& pending) const {
  const std::string workers = how_many_workers(serving(), slots_.size());
  if (pending.kind == Pending::Kind::Scale) {
    return {std::nullopt, Outcome::Scaled, workers + how_many_drain(draining(), ""), {}};
  }
  if (pending.kind == Pending::Kind::Reload) {
    return {std::nullopt, Outcome::Reloaded, fmt::format("{}, told to reload", workers), {}};
  }
  const bool is_hard = pending.kind == Pending::Kind::HardRestart;
  return {std::nullopt,
          is_hard ? Outcome::Restarted : Outcome::Rolled,
          fmt::format("generation {} {} {}{}{}", static_cast<std::uint64_t>(generation_),
                      serving() > 0 ? "serves with" : "is in place; running:", workers,
                      how_many_drain(draining(), "old "), describe_costs(pending.costs)),
          {}};
}

/// "; web:0: 1 request cancelled"; empty: nothing was lost.
std::string Pool::describe_costs(const Costs& costs) const {
  constexpr std::size_t kNamed = 4;
  std::string text;
  for (std::size_t named = 0; const auto& [slot, texts] : costs) {
    if (named++ == kNamed) return text + fmt::format("; and {} more", costs.size() - kNamed);
    text += fmt::format("; {}: {}", name_of(slot), fmt::join(texts, "; "));
  }
  return text;
}

void Pool::answer(CommandId command, Outcome outcome, std::string text) {
  actions_.push_back(Finished{command, {{std::nullopt, outcome, std::move(text), {}}}});
}

}  // namespace reeve::supervisor
