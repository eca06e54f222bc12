// The rolling restart: successors become ready first, and soak, then predecessors drain.
//
//   pending --fork--> booting --ready--> soaking --soaked--> done
//      |                 ^                           Forward: towards the new generation
//      +--> emptied -----+                           any failure: Forward --> Back, what is done
//       (up to max_unavailable)                      returns to the old generation
//
// A slot that is down has nothing to be replaced: it simply starts in the new generation.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "supervisor/core/pool.hpp"
#include "supervisor/core/process_name.hpp"

namespace reeve::supervisor {

void Pool::take(const RollRequested& event) {
  if (roll_) {
    answer(
        event.command, Outcome::Busy,
        fmt::format("a rolling restart of {} is running; try again when it is done", spec_.name));
    return;
  }
  const bool whole = event.slots.empty() || event.spec || event.canary;
  auto slots = resolve(event.command, whole ? SlotSet{} : event.slots);
  if (!slots) return;
  if (spec_.reloads && !event.spec && !event.canary) return reload(event.command, *slots);
  if (whole) last_generation_ = upcoming_generation();
  roll_ = Roll{.command = event.command,
               .target = whole ? last_generation_ : generation_,
               .spec = event.spec,
               .pending = std::move(*slots)};
  for (const int index : roll_->pending) {
    Slot& slot = *slot_at(index);
    retire(slot.successor, DrainKind::Prompt);  // It was about to be recycled.
  }
  if (event.canary) choose_canaries(*event.canary);
}

void Pool::advance_roll() {
  if (!roll_) return;
  advance_canaries();
  accept_candidates();
  begin_pending();
  if (roll_->pending.empty() && roll_->starting.empty()) finish_roll();
}

/// A candidate that has soaked, or was judged good, replaces its predecessor.
void Pool::accept_candidates() {
  std::vector<int> accepted;
  for (const auto& [index, candidate] : roll_->starting) {
    if (workers_.at(candidate.id).phase != WorkerPhase::Serving) continue;  // Boots, or was killed.
    Slot& slot = *slot_at(index);
    switch (candidate.step) {
      case Candidate::Step::Booting:
        continue;
      case Candidate::Step::Soaking:
        if (candidate.soaked_at > now_) continue;
        break;
      case Candidate::Step::Watched:
        if (roll_->stage != Roll::Stage::Rolling) continue;
        if (slot.successor && draining() >= max_draining()) continue;
        break;
    }
    if (slot.successor) promote(slot, "replaced its predecessor");
    accepted.push_back(index);
  }
  for (const int index : accepted) accept(index);
}

void Pool::begin_pending() {
  const bool forward = roll_->direction == Roll::Direction::Forward;
  const PoolSpec& spec = forward && roll_->spec ? *roll_->spec : spec_;
  const bool rolling = roll_->stage == Roll::Stage::Rolling;
  for (auto next = roll_->pending.begin(); next != roll_->pending.end();) {
    Slot& slot = *slot_at(*next);
    const bool turn = rolling || roll_->canaries.contains(slot.index);
    // One that stops (an order that came before, or to make room) starts when that is done.
    const bool has_no_room = spec_.surge == 0 && !slot.current && is_occupied(slot);
    if (has_no_room && !is_down(slot.state)) wait_for_room(slot, slot.why);
    if (!turn || slot.state == SlotState::Stopping || has_no_room) {
      ++next;
    } else if (!forward && slot.current && workers_.at(*slot.current).generation == roll_->target) {
      // The candidate died, and its restart has brought the old version back already.
      roll_->emptied.erase(slot.index);
      next = roll_->pending.erase(next);
    } else if (!slot.current || !rolling || may_fork_successor()) {
      begin(slot, spec);
      next = roll_->pending.erase(next);
    } else {
      if (may_make_room()) make_room(slot);
      ++next;
    }
  }
}

void Pool::begin(Slot& slot, const PoolSpec& spec) {
  const bool forward = roll_->direction == Roll::Direction::Forward;
  if (forward) slot.policy.forget();  // A new version is not blamed for what the old one did.
  if (slot.current) {
    slot.successor = fork(slot, roll_->target, spec);
  } else {
    start(slot, roll_->target, spec, "rolling restart");
  }
  // What has served before need not prove itself.
  const Duration soak = forward ? spec.soak : Duration::zero();
  const WorkerId candidate = slot.successor ? *slot.successor : slot.current.value();
  roll_->starting.emplace(slot.index, Candidate{.id = candidate, .soak = soak});
}

/// Break before make. The slot stays pending, and begins when its worker is gone.
void Pool::make_room(Slot& slot) {
  drain(workers_.at(slot.current.value()), DrainKind::Patient);
  enter(slot, SlotState::Stopping, "rolling restart, to make room");
  slot.start_again = true;
  roll_->emptied.insert(slot.index);
}

bool Pool::may_fork_successor() const {
  const PoolSpec& spec = rolling_spec();
  const int surge = spec.max_unavailable > 0 ? spec.surge : std::max(1, spec.surge);
  return successors() < surge && successors() + draining() < max_draining();
}

bool Pool::may_make_room() const {
  return static_cast<int>(roll_->emptied.size()) < rolling_spec().max_unavailable &&
         successors() + draining() < max_draining();
}

int Pool::max_draining() const {
  return std::max(1, rolling_spec().max_draining.value_or(spec_.workers));
}

int Pool::successors() const {
  return static_cast<int>(
      std::ranges::count_if(slots_, [](const Slot& slot) { return slot.successor.has_value(); }));
}

bool Pool::is_candidate(const Worker& worker) const {
  if (!roll_) return false;
  const auto found = roll_->starting.find(worker.slot);
  return found != roll_->starting.end() && found->second.id == worker.id;
}

void Pool::candidate_ready(const Worker& worker) {
  if (!is_candidate(worker)) return;
  Candidate& candidate = roll_->starting.at(worker.slot);
  const bool is_canary = roll_->canaries.contains(worker.slot);
  candidate.step = is_canary ? Candidate::Step::Watched : Candidate::Step::Soaking;
  candidate.ready_at = now_;
  candidate.soaked_at = now_ + candidate.soak;
}

void Pool::accept(int slot) {
  roll_->starting.erase(slot);
  roll_->emptied.erase(slot);
  roll_->done.insert(slot);
  if (roll_->direction == Roll::Direction::Forward) {
    actions_.push_back(Replaced{roll_->command, slot});
  }
}

/// When a soak or the watch over the canaries ends.
std::optional<TimePoint> Pool::next_trial() const {
  if (!roll_) return std::nullopt;
  std::optional<TimePoint> next;
  if (roll_->stage == Roll::Stage::Watching || roll_->stage == Roll::Stage::Judging) {
    next = roll_->until;
  }
  for (const auto& [slot, candidate] : roll_->starting) {
    if (candidate.step != Candidate::Step::Soaking) continue;
    if (workers_.at(candidate.id).phase != WorkerPhase::Serving) continue;  // Killed: it is hung.
    next = std::min(next.value_or(candidate.soaked_at), candidate.soaked_at);
  }
  return next;
}

/// The text of a roll that had turned back and is over.
std::string Pool::describe_return(const Roll& roll) const {
  std::string text = fmt::format(
      "{}; {}generation {} {}", roll.failure, serving() > 0 ? "" : "no worker runs, ",
      static_cast<std::uint64_t>(generation_), serving() > 0 ? "serves on" : "stays in place");
  for (const char* separator = ", except "; const auto& [index, why] : roll.not_back) {
    const bool exists = index < static_cast<int>(slots_.size());
    if (!exists) continue;
    const Slot& slot = slots_[static_cast<std::size_t>(index)];
    const Worker* worker = slot.current ? find(*slot.current) : nullptr;
    const bool has_recovered = worker != nullptr && worker->phase == WorkerPhase::Serving &&
                               worker->generation == generation_;
    if (has_recovered) continue;
    text += fmt::format("{}{}: {}", std::exchange(separator, ", "), name_of(index), why);
  }
  return text + describe_costs(roll.costs);
}

void Pool::finish_roll() {
  Roll roll = *std::exchange(roll_, std::nullopt);
  switch (roll.direction) {
    case Roll::Direction::Back:
      actions_.push_back(
          Finished{roll.command,
                   {{roll.failed_slot, Outcome::Aborted, describe_return(roll), roll.culprit}}});
      return;
    case Roll::Direction::Forward:
      break;
  }
  generation_ = roll.target;
  Pending pending{.command = roll.command, .kind = Pending::Kind::Roll};
  pending.costs = std::move(roll.costs);
  if (roll.spec) {
    spec_ = std::move(*roll.spec);
    shrink(spec_.workers);
    grow(spec_.workers, pending.waiting);
  }
  begin(std::move(pending));
}

}  // namespace reeve::supervisor
