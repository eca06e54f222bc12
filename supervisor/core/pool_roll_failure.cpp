// How a roll ends otherwise than it should: back, paused, or overtaken by a later command.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {
/// A worker failed. That fails the roll if it was one that the roll had started.
void Pool::roll_failed(const Worker& worker, const Death& death, const std::string& why) {
  if (!roll_) return;
  const bool was_done = roll_->done.contains(worker.slot) && worker.generation == roll_->target;
  const bool on_trial = is_candidate(worker);
  if (!on_trial && !was_done) return;
  const bool is_canary = roll_->stage != Roll::Stage::Rolling;
  std::string text = why;
  if (on_trial) {
    const Candidate candidate = roll_->starting.at(worker.slot);
    roll_->starting.erase(worker.slot);
    if (candidate.step != Candidate::Step::Booting) {
      text = fmt::format("{} while {}, after {}: {}", death.clean() ? "ended" : "crashed",
                         is_canary ? "watched" : "soaking",
                         short_duration(now_ - candidate.ready_at), why);
    }
  }
  switch (roll_->direction) {
    case Roll::Direction::Back:  // The slot is left to what it has: the new generation, or
                                 // back-off.
      if (on_trial) roll_->not_back[worker.slot] = text;
      roll_->emptied.erase(worker.slot);
      return;
    case Roll::Direction::Forward:
      break;
  }
  if (rolling_spec().on_failure == RollFailure::Pause && !is_canary) {
    pause_roll(text, worker.slot, worker.id);
  } else {
    turn_back(text, worker.slot, worker.id);
  }
}

/// The old generation serves on, and takes back what was done. What the roll has not touched stays
/// as it is, a slot that is down too; one that waits for the roll to start it still does.
void Pool::turn_back(std::string why, std::optional<int> slot, std::optional<WorkerId> culprit) {
  roll_->direction = Roll::Direction::Back;
  roll_->stage = Roll::Stage::Rolling;
  roll_->canaries.clear();
  roll_->target = generation_;
  roll_->failure = std::move(why);
  roll_->failed_slot = slot;
  roll_->culprit = culprit;
  std::erase_if(roll_->pending, [this](int index) {
    const Slot& waits = *slot_at(index);
    return !roll_->emptied.contains(index) && (waits.current || is_down(waits.state));
  });
  for (const auto& [index, candidate] : std::exchange(roll_->starting, {})) {
    take_back(index, candidate.id);
  }
  for (const int index : std::exchange(roll_->done, {})) {
    const Slot& done = *slot_at(index);
    if (done.current && workers_.at(*done.current).generation != generation_) {
      roll_->pending.insert(index);
    }
  }
}

/// Ends a candidate: at once where its predecessor serves, else when an old worker serves again.
void Pool::take_back(int slot_index, WorkerId candidate) {
  Slot& slot = *slot_at(slot_index);
  const Worker& worker = workers_.at(candidate);
  const bool serves = worker.phase == WorkerPhase::Serving;
  if (slot.successor) {
    retire(slot.successor, serves ? DrainKind::Patient : DrainKind::Prompt);
    return;
  }
  roll_->pending.insert(slot_index);
  if (serves) {  // Replaced in its turn, like what is done.
    roll_->emptied.erase(slot_index);
  } else if (roll_->emptied.contains(slot_index)) {  // There is no room for two.
    drain(workers_.at(candidate), DrainKind::Prompt);
    enter(slot, SlotState::Stopping, "the rolling restart failed");
    slot.start_again = true;
  } else {
    retire(slot.current, DrainKind::Prompt);
  }
}

/// Ends the roll where it is. What serves stays; what was on its way starts in the old generation.
void Pool::pause_roll(const std::string& why, int slot_index, WorkerId culprit) {
  const Roll roll = *std::exchange(roll_, std::nullopt);
  for (const auto& [index, candidate] : roll.starting) {
    Slot& slot = *slot_at(index);
    const bool serves = workers_.at(candidate.id).phase == WorkerPhase::Serving;
    if (slot.successor) {
      retire(slot.successor, serves ? DrainKind::Patient : DrainKind::Prompt);
    } else if (!serves) {
      drain(workers_.at(candidate.id), DrainKind::Prompt);
      enter(slot, SlotState::Stopping, "the rolling restart failed");
      slot.start_again = true;
    }
  }
  std::map<Generation, int> running;
  for (const Slot& slot : slots_) {
    if (!slot.current) continue;
    const Worker& worker = workers_.at(*slot.current);
    if (worker.phase == WorkerPhase::Serving) ++running[worker.generation];
  }
  std::string text = fmt::format("{}; paused", why);
  for (const char* separator = ": "; const auto& [generation, count] : running) {
    text += fmt::format("{}{} {} generation {}", std::exchange(separator, ", "), count,
                        count == 1 ? "worker runs" : "workers run",
                        static_cast<std::uint64_t>(generation));
  }
  actions_.push_back(
      Finished{roll.command, {{slot_index, Outcome::Aborted, std::move(text), culprit}}});
}

/// A command on the whole pool makes the roll pointless.
void Pool::abandon_roll(const std::string& why) {
  if (!roll_) return;
  for (const auto& [index, candidate] : roll_->starting) {
    retire(slot_at(index)->successor, DrainKind::Prompt);
  }
  answer(roll_->command, Outcome::Aborted, why);
  roll_.reset();
}

/// A command on this slot takes it out of the roll, which goes on with the others. Nor is it
/// recycled.
void Pool::withdraw_from_roll(int slot) {
  retire(slot_at(slot)->successor, DrainKind::Prompt);
  if (!roll_) return;
  roll_->pending.erase(slot);
  roll_->emptied.erase(slot);
  roll_->starting.erase(slot);
  roll_->done.erase(slot);
  roll_->canaries.erase(slot);
}

}  // namespace reeve::supervisor
