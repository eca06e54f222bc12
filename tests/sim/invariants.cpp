// The invariants that must hold after each step, whatever happened in it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "tests/sim/invariant_checker.hpp"

namespace reeve::supervisor::sim {

namespace {

/// Slots that a request names; none of them: all.
bool names(const SlotSet& slots, int slot) { return slots.empty() || slots.contains(slot); }

}  // namespace

bool takes_down(const Event& event, int slot) {
  if (const auto* stop = std::get_if<StopRequested>(&event)) return names(stop->slots, slot);
  if (const auto* hard = std::get_if<HardRestartRequested>(&event)) return names(hard->slots, slot);
  if (const auto* scale = std::get_if<ScaleRequested>(&event)) return slot >= scale->workers;
  return false;
}

void InvariantChecker::check_same_workers() const {
  hold(pool_.workers().size() == seen_.size(),
       "a worker is in the pool from its Fork to its Exited");
  for (const auto& [id, worker] : pool_.workers()) {
    const auto found = seen_.find(id);
    hold(found != seen_.end(), "the pool forgets a worker that is gone");
    const Seen& same = found->second;
    if (worker.phase != same.phase) {
      throw Broken(fmt::format("worker {} is {}, not {}", std::to_underlying(id),
                               to_string(same.phase), to_string(worker.phase)));
    }
    hold(worker.slot == same.slot && worker.generation == same.generation,
         "a worker keeps its slot and its generation");
  }
}

/// Workers that neither drain nor are killed <= workers + surge. Exact at every moment: scaling
/// down drains the surplus in the same step, scaling up raises the limit in the same step, and a
/// roll to a specification with more or fewer workers changes their number when it is done, not
/// before.
void InvariantChecker::check_counts() const {
  const int active = count(WorkerPhase::Starting) + count(WorkerPhase::Serving);
  const auto* request = roll_request();
  const int canaries = request != nullptr && request->canary ? request->canary->workers : 0;
  const int extra = std::max({1, pool_.rolling_spec().surge, before_.rules.surge, canaries});
  hold(active <= pool_.spec().workers + extra, "not draining <= workers + surge, or canaries");
  hold(active <= pool_.spec().workers + successors(), "beyond `workers` there are successors only");
  hold(pool_.draining() == count(WorkerPhase::Draining) + count(WorkerPhase::Killed),
       "draining() counts those on their way out");
}

void InvariantChecker::check_slots(TimePoint now) const {
  hold(static_cast<int>(pool_.slots().size()) == pool_.spec().workers, "as many slots as workers");
  std::set<WorkerId> placed;
  bool at_rest = true;
  for (int index = 0; const Slot& slot : pool_.slots()) {
    hold(slot.index == index++, "slots are numbered from 0");
    const Worker* current = slot.current ? pool_.find(*slot.current) : nullptr;
    hold(!slot.current || (current != nullptr && current->slot == slot.index),
         "a slot's current worker lives, in this slot");
    const auto phase = current != nullptr ? std::optional(current->phase) : std::nullopt;
    hold(slot.since <= now, "a slot changes in the past");
    // A roll may have brought a surge since it began to wait.
    const bool waits_for_room = slot.state == SlotState::Backoff &&
                                std::ranges::any_of(pool_.workers(), [&slot](const auto& entry) {
                                  return entry.second.slot == slot.index;
                                });
    hold(slot.retry_at.has_value() == (slot.state == SlotState::Backoff) || waits_for_room,
         "BACKOFF has an end");
    switch (slot.state) {
      case SlotState::Running:
        hold(phase == WorkerPhase::Serving || current->killed_for == KillReason::Hung,
             "RUNNING means that its worker serves, or dies of having hung");
        break;
      case SlotState::Starting:
        hold(phase == WorkerPhase::Starting || phase == WorkerPhase::Killed,
             "STARTING means that its worker boots, or dies of start_timeout");
        break;
      case SlotState::Stopping:
        hold(phase == WorkerPhase::Draining || phase == WorkerPhase::Killed,
             "STOPPING means that its worker drains");
        break;
      case SlotState::Stopped:
        hold(!told_up_.contains(slot.index), "STOPPED means that nobody asked for more");
        [[fallthrough]];
      case SlotState::Backoff:
      case SlotState::Exited:
      case SlotState::Fatal:
        hold(!slot.current, "a slot that is down has no worker");
        hold(!slot.successor, "what is down has nothing to be replaced");
        break;
    }
    at_rest = at_rest && !slot.current && slot.state != SlotState::Backoff;
    if (slot.current) placed.insert(*slot.current);
    if (!slot.successor) continue;
    const Worker* successor = pool_.find(*slot.successor);
    hold(successor != nullptr && successor->slot == slot.index, "a successor lives, in this slot");
    hold(successor->phase == WorkerPhase::Starting || successor->phase == WorkerPhase::Killed ||
             (pool_.rolling() && successor->phase == WorkerPhase::Serving),
         "a successor boots, or is on trial in a roll");
    hold(placed.insert(*slot.successor).second, "nobody succeeds itself");
  }
  for (const auto& [id, worker] : seen_) {
    const bool leaves =
        worker.phase == WorkerPhase::Draining || worker.phase == WorkerPhase::Killed;
    hold(leaves || placed.contains(id), "a worker that is not leaving has a place");
  }
  hold(pool_.quiet() == (at_rest && seen_.empty()),
       "quiet() when no process is left or will be started");
}

/// A pool that forgets a deadline sleeps for ever; one that keeps a past deadline spins.
void InvariantChecker::check_deadlines(const Event& event, TimePoint now) const {
  const auto next = pool_.next_deadline();
  const bool due_at_once = std::ranges::any_of(seen_, [now](const auto& entry) {
    return entry.second.phase == WorkerPhase::Draining && entry.second.kill_from == now;
  });  // A drain without grace, begun in this step.
  if (std::holds_alternative<Tick>(event) && !due_at_once) {
    hold(!next || *next > now, "a Tick consumes what was due");
  }
  for (const auto& [id, worker] : seen_) {
    if (worker.phase != WorkerPhase::Starting && worker.phase != WorkerPhase::Draining) continue;
    hold(next && *next <= worker.kill_by,
         "a start ends by start_timeout + 1 s, a drain by grace + 1 s");
  }
  if (!std::holds_alternative<GraceEnded>(event)) return;
  hold(count(WorkerPhase::Draining) == 0, "the end of the grace is for every draining worker");
}

/// A slot that served serves on, unless its worker ended or left, or an operator took it down. A
/// roll is neither: this is what makes it zero-downtime.
void InvariantChecker::check_service(const Event& event) const {
  const std::set<int> serving = serving_slots();
  const bool left = std::holds_alternative<Exited>(event) ||
                    std::holds_alternative<LeaderEnded>(event) ||
                    std::holds_alternative<Leaving>(event) || std::holds_alternative<Hung>(event) ||
                    std::holds_alternative<Measured>(event);  // A hung worker: see check_hung().
  const bool makes_room =
      (before_.rolling || pool_.rolling()) &&
      (before_.rules.max_unavailable > 0 || pool_.rolling_spec().max_unavailable > 0);
  for (const int slot : before_.serving) {
    if (serving.contains(slot) || takes_down(event, slot)) continue;
    const bool adopted_fewer = before_.rolling && !pool_.rolling() && slot >= pool_.spec().workers;
    if (adopted_fewer) continue;
    const Slot& now_down = pool_.slots().at(static_cast<std::size_t>(slot));
    if (pool_.spec().surge == 0 && !pool_.rolling() && now_down.start_again) continue;  // Recycled.
    hold(left || makes_room, "a roll takes nobody down before the successor serves");
  }
  // One end excuses one slot. How many a roll may empty, note_room() knows.
  std::set<int> lost;
  std::ranges::set_difference(before_.serving, serving, std::inserter(lost, lost.end()));
  if (left)
    hold(lost.size() <= 1 || before_.rolling, "one worker's end takes down its own slot only");
}

/// A successor is forked only when a place among the draining ones is free for its predecessor, so
/// a roll by itself never exceeds max_draining. (A stop or a recycling worker in between may;
/// nobody is made to serve longer for it.)
void InvariantChecker::check_successor_fits(const Fork& fork) const {
  const auto* request = roll_request();
  if (request != nullptr && request->canary && !trial_.good) return;
  const auto allowed = [](const PoolSpec& spec, const PoolSpec& rules) {
    return rules.max_draining.value_or(std::max(1, spec.workers));
  };
  const bool succeeds = std::ranges::any_of(pool_.slots(), [&](const Slot& slot) {
    return slot.successor == fork.worker && slot.index == fork.slot;
  });
  if (!succeeds) return;
  hold(successors() <= std::max({1, pool_.rolling_spec().surge, before_.rules.surge}),
       "at most `surge` successors start at a time");
  hold(count(WorkerPhase::Draining) + count(WorkerPhase::Killed) + 1 <=
           std::max(allowed(pool_.spec(), pool_.rolling_spec()),
                    allowed(before_.spec, before_.rules)),
       "a roll waits while max_draining workers drain");
}

/// Back-off never spins: after a worker that was never ready there is a pause, and no worker is
/// started after the failure that fills give_up. Looks at what the pool does by itself; rolls have
/// other limits.
void InvariantChecker::check_automatic_restart(int slot, TimePoint now) const {
  const auto found = records_.find(slot);
  if (found == records_.end()) return;
  const Record& record = found->second;
  const PoolSpec& spec = pool_.spec();
  if (record.pause_from) {
    const Duration least = std::min(record.least_pause, spec.backoff_max) * 3 / 4;
    hold(now - *record.pause_from >= least, "a failed start is followed by a pause");
  }
  hold(!record.hopeless, "what trying again cannot mend is not tried again");
  if (record.failures.empty() || !spec.give_up_failures) return;
  const auto recent = std::ranges::count_if(record.failures, [&](TimePoint failure) {
    return record.failures.back() - failure < spec.give_up_within;
  });
  hold(record.failures.back() != record.ended || recent < *spec.give_up_failures,
       "a crash loop ends in FATAL");
}

/// All that is left of an older generation is on its way out.
void InvariantChecker::check_deployed(const RollRequested& request) const {
  hold(pool_.generation() > before_.generation, "a deployed version has a new generation");
  for (const auto& [id, worker] : seen_) {
    const bool leaves =
        worker.phase == WorkerPhase::Draining || worker.phase == WorkerPhase::Killed;
    hold(leaves || worker.generation == pool_.generation(),
         "rolled means that no old worker serves on");
  }
  for (const Slot& slot : pool_.slots()) {
    hold(!slot.successor || seen_.at(slot.current.value()).may_be_due,
         "rolled means that nobody waits to succeed");
  }
  for (const int slot : emptied_)
    hold(slot >= pool_.spec().workers ||
             !pool_.slots().at(static_cast<std::size_t>(slot)).start_again,
         "a roll that is done has filled what it emptied");
  if (!request.spec) return;
  PoolSpec adopted = pool_.spec();
  adopted.workers = request.spec->workers;  // Scaled meanwhile, perhaps.
  hold(adopted == *request.spec, "a roll that succeeds deploys its specification");
}

/// A roll that failed, or one of some slots only.
void InvariantChecker::check_not_deployed(const Asked& asked) const {
  PoolSpec kept = pool_.spec();
  kept.workers = asked.spec.workers;  // Scaled meanwhile, perhaps.
  hold(kept == asked.spec && pool_.generation() == asked.generation,
       "a failed roll changes nothing");
  const auto& request = std::get<RollRequested>(asked.request);
  const PoolSpec& wanted = request.spec ? *request.spec : asked.spec;
  if (wanted.on_failure == RollFailure::Pause) return;  // Replaced workers stay.
  for (const auto& [id, worker] : seen_) {
    const bool leaves =
        worker.phase == WorkerPhase::Draining || worker.phase == WorkerPhase::Killed;
    const bool tried = newest_.at(worker.slot) > id;  // The old version does not start any more.
    const bool is_older = id <= asked.last_forked;    // A roll that was paused may have left it.
    hold(leaves || tried || is_older || worker.generation == pool_.generation(),
         "a failed roll goes all the way back");
  }
}

/// No process of the slot is left, unless a later command overtook the stop: started the slot
/// again, or scaled it away.
void InvariantChecker::check_stopped(const Asked& asked, int slot) const {
  const auto newest = newest_.find(slot);
  const bool started_again = newest != newest_.end() && newest->second > asked.last_forked;
  if (started_again || slot >= asked.fewest_slots) return;
  hold(std::ranges::none_of(seen_, [slot](const auto& entry) { return entry.second.slot == slot; }),
       "stopped means that no process is left");
}

/// A successor that serves is not yet counted on.
bool InvariantChecker::is_on_trial(WorkerId id) const {
  return std::ranges::any_of(pool_.slots(),
                             [id](const Slot& slot) { return slot.successor == id; });
}

std::set<int> InvariantChecker::serving_slots() const {
  std::set<int> slots;
  for (const auto& [id, worker] : seen_) {
    if (worker.phase == WorkerPhase::Serving && !is_on_trial(id)) slots.insert(worker.slot);
  }
  return slots;
}

int InvariantChecker::successors() const {
  return static_cast<int>(std::ranges::count_if(
      pool_.slots(), [](const Slot& slot) { return slot.successor.has_value(); }));
}

const RollRequested* InvariantChecker::roll_request() const {
  return roll_ ? std::get_if<RollRequested>(&roll_->request) : nullptr;
}

int InvariantChecker::count(WorkerPhase phase) const {
  return static_cast<int>(std::ranges::count_if(
      seen_, [phase](const auto& entry) { return entry.second.phase == phase; }));
}

}  // namespace reeve::supervisor::sim
