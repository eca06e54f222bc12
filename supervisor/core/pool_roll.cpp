// The rolling restart: successors become ready first, then predecessors drain.
//
//   pending --fork--> starting --ready--> done          Forward: towards the new generation
//      any failure:  Forward --> Back: what is done returns to the old generation, the rest never
//      left it
//
// A slot that is down has nothing to be replaced: it simply starts in the new generation.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {

void Pool::take(const RollRequested& event) {
  if (roll_) {
    answer(
        event.command, Outcome::Busy,
        fmt::format("a rolling restart of {} is running; try again when it is done", spec_.name));
    return;
  }
  const bool whole = event.slots.empty() || event.spec.has_value();
  auto slots = resolve(event.command, whole ? SlotSet{} : event.slots);
  if (!slots) return;
  if (whole) last_generation_ = upcoming_generation();
  roll_ = Roll{.command = event.command,
               .target = whole ? last_generation_ : generation_,
               .spec = event.spec,
               .pending = std::move(*slots)};
  for (const int index : roll_->pending) slot_at(index)->policy.forget();
}

void Pool::take(const Judged&) {}

void Pool::advance_roll() {
  if (!roll_) return;
  const bool forward = roll_->direction == Roll::Direction::Forward;
  const PoolSpec& spec = forward && roll_->spec ? *roll_->spec : spec_;
  const int max_draining = spec_.max_draining.value_or(std::max(1, spec_.workers));
  for (auto next = roll_->pending.begin(); next != roll_->pending.end();) {
    Slot& slot = *slot_at(*next);
    if (slot.state ==
        SlotState::Stopping) {  // A stop that came before: it starts when that is done.
      ++next;
      continue;
    }
    WorkerId started{};
    if (slot.current) {
      if (successors() >= spec_.surge || successors() + draining() >= max_draining) {
        ++next;
        continue;
      }
      started = fork(slot, roll_->target, spec);
      slot.successor = started;
    } else {
      start(slot, roll_->target, spec, "rolling restart");
      started = *slot.current;
    }
    roll_->starting.emplace(slot.index, started);
    next = roll_->pending.erase(next);
  }
  if (roll_->pending.empty() && roll_->starting.empty()) finish_roll();
}

int Pool::successors() const {
  return static_cast<int>(
      std::ranges::count_if(slots_, [](const Slot& slot) { return slot.successor.has_value(); }));
}

void Pool::roll_progressed(const Worker& ready) {
  if (!roll_) return;
  const auto found = roll_->starting.find(ready.slot);
  if (found == roll_->starting.end() || found->second != ready.id) return;
  roll_->starting.erase(found);
  roll_->done.insert(ready.slot);
}

/// A worker failed. That fails the roll if it was one that the roll had started.
void Pool::roll_failed(const Worker& worker, const std::string& why) {
  if (!roll_) return;
  const auto found = roll_->starting.find(worker.slot);
  const bool was_starting = found != roll_->starting.end() && found->second == worker.id;
  const bool was_done = roll_->done.contains(worker.slot) && worker.generation == roll_->target;
  if (!was_starting && !was_done) return;
  if (was_starting) roll_->starting.erase(found);
  switch (roll_->direction) {
    case Roll::Direction::Back:  // The slot is left to what it has: the new generation, or
                                 // back-off.
      return;
    case Roll::Direction::Forward:
      roll_->failure = why;
      roll_->failed_slot = worker.slot;
      roll_->culprit = worker.id;
      turn_back();
  }
}

/// The old generation serves on, and takes back what was done. A slot that is down stays with its
/// restart policy; one that waits for the roll to start it still does.
void Pool::turn_back() {
  roll_->direction = Roll::Direction::Back;
  roll_->target = generation_;
  std::erase_if(roll_->pending, [this](int index) { return slot_at(index)->current.has_value(); });
  for (const auto& [index, worker] : std::exchange(roll_->starting, {})) {
    Slot& slot = *slot_at(index);
    if (slot.successor) {
      retire(slot.successor, DrainKind::Prompt);
    } else {
      retire(slot.current, DrainKind::Prompt);
      roll_->pending.insert(index);
    }
  }
  for (const int index : std::exchange(roll_->done, {})) {
    const Slot& slot = *slot_at(index);
    if (slot.current && workers_.at(*slot.current).generation != generation_) {
      roll_->pending.insert(index);
    }
  }
}

/// A command on the whole pool makes the roll pointless.
void Pool::abandon_roll(const std::string& why) {
  if (!roll_) return;
  for (const auto& [index, worker] : roll_->starting) {
    retire(slot_at(index)->successor, DrainKind::Prompt);
  }
  answer(roll_->command, Outcome::Aborted, why);
  roll_.reset();
}

/// A command on this slot takes it out of the roll, which goes on with the others.
void Pool::withdraw_from_roll(int slot) {
  if (!roll_) return;
  retire(slot_at(slot)->successor, DrainKind::Prompt);
  roll_->pending.erase(slot);
  roll_->starting.erase(slot);
  roll_->done.erase(slot);
}

void Pool::finish_roll() {
  Roll roll = *std::exchange(roll_, std::nullopt);
  switch (roll.direction) {
    case Roll::Direction::Back:
      actions_.push_back(Finished{roll.command,
                                  {{roll.failed_slot, Outcome::Aborted,
                                    fmt::format("{}; generation {} serves on", roll.failure,
                                                static_cast<std::uint64_t>(generation_)),
                                    roll.culprit}}});
      return;
    case Roll::Direction::Forward:
      break;
  }
  generation_ = roll.target;
  Pending pending{.command = roll.command, .kind = Pending::Kind::Roll};
  if (roll.spec) {
    spec_ = std::move(*roll.spec);
    shrink(spec_.workers);
    grow(spec_.workers, pending.waiting);
  }
  begin(std::move(pending));
}

}  // namespace reeve::supervisor
