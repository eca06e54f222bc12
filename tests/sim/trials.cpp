// What a deployment must show before it replaces anybody: a soak, or the judgement of its canaries.
// And how many slots it may empty where there is no room for two workers.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "tests/sim/invariant_checker.hpp"

namespace reeve::supervisor::sim {

void InvariantChecker::note_trial(const Event& event) {
  if (const auto* request = std::get_if<RollRequested>(&event);
      request != nullptr && !before_.rolling) {
    const auto compares = [](const auto& entry) {
      return entry.second.phase == WorkerPhase::Starting ||
             entry.second.phase == WorkerPhase::Serving;
    };
    roll_ = asked_.at(request->command);
    trial_ = Trial{.had_workers = std::ranges::any_of(seen_, compares)};
    emptied_.clear();
  }
  const auto* judged = std::get_if<Judged>(&event);
  if (judged == nullptr || !roll_ || !before_.rolling || trial_.good) return;
  const auto* request = roll_request();
  if (request->command != judged->command || !trial_.until) return;
  if (judged->good && !trial_.asked) return;  // Too early: they have not been watched enough.
  trial_.good = judged->good;
}

/// A roll without room for a surge empties up to max_unavailable slots at a time.
void InvariantChecker::note_room(const Event& event) {
  if (!pool_.rolling()) return emptied_.clear();
  const std::set<int> serving = serving_slots();
  const bool is_command =
      command_of(event).has_value() && !std::holds_alternative<RollRequested>(event);
  for (const Slot& slot : pool_.slots()) {
    const bool went = before_.serving.contains(slot.index) && !serving.contains(slot.index);
    const bool drains = slot.state == SlotState::Stopping && slot.start_again;
    if (went && drains && !is_command) emptied_.insert(slot.index);
  }
  std::erase_if(emptied_, [&](int slot) {
    if (slot >= pool_.spec().workers) return true;
    // A worker that fails in the old version, too, is left to its restart policy.
    const SlotState state = pool_.slots().at(static_cast<std::size_t>(slot)).state;
    const bool fills = state == SlotState::Starting || state == SlotState::Stopping;
    return !fills || serving.contains(slot) || takes_down(event, slot);
  });
  hold(static_cast<int>(emptied_.size()) <=
           std::max(before_.rules.max_unavailable, pool_.rolling_spec().max_unavailable),
       "a roll empties at most max_unavailable slots at a time");
}

void InvariantChecker::note_watch(const Watch& watch, TimePoint now) {
  const auto* request = roll_request();
  hold(request != nullptr && request->command == watch.command && request->canary.has_value(),
       "only canaries that were asked for are watched");
  hold(!trial_.until, "canaries are watched once");
  hold(watch.until == now + request->canary->watch, "canaries are watched as long as was asked");
  hold(!watch.canaries.empty() &&
           static_cast<int>(watch.canaries.size()) <= std::max(1, request->canary->workers),
       "no more canaries than were asked for");
  for (const WorkerId id : watch.canaries) {
    const Seen& canary = known(id, "Watch");
    hold(canary.was_ready && canary.generation > roll_->generation,
         "a canary has come up, and is of the new generation");
    trial_.canaries.insert(canary.slot);
  }
  trial_.until = watch.until;
}

void InvariantChecker::note_judge(const Judge& judge, TimePoint now) {
  const auto* request = roll_request();
  hold(request != nullptr && request->command == judge.command, "the roll that runs is judged");
  hold(trial_.until && *trial_.until <= now && !trial_.asked,
       "canaries are judged once, after they were watched");
  trial_.asked = true;
}

/// Nobody who serves is told to go by a roll before the successor has soaked, or was judged good.
void InvariantChecker::check_replaced(const Drain& drain, const Event& event, TimePoint now) const {
  const auto* request = roll_request();
  const auto found = seen_.find(drain.worker);
  if (request == nullptr || !before_.rolling || found == seen_.end()) return;
  const Seen& old = found->second;
  if (old.phase != WorkerPhase::Serving || old.generation > roll_->generation) return;
  if (command_of(event)) return;
  if (pool_.slots().size() <= static_cast<std::size_t>(old.slot)) return;  // Adopted fewer.
  const Slot& slot = pool_.slots()[static_cast<std::size_t>(old.slot)];
  if (!pool_.rolling() && pool_.spec().surge == 0 && slot.start_again) return;  // Recycled since.
  const auto newest = newest_.find(old.slot);
  const auto next = newest == newest_.end() ? seen_.end() : seen_.find(newest->second);
  hold(!request->canary || !trial_.had_workers || trial_.good == true,
       "nobody is replaced before the canaries were judged good");
  if (next == seen_.end() || next->second.generation <= roll_->generation) return;
  if (next->second.phase != WorkerPhase::Serving) return;  // Emptied: see note_room().
  if (trial_.canaries.contains(old.slot)) return;          // Watched instead.
  const PoolSpec& spec = request->spec ? *request->spec : before_.spec;
  hold(next->second.ready_since && now - *next->second.ready_since >= spec.soak,
       "nobody is replaced before the successor has soaked");
}

/// Before the judgement there are the canaries, and nothing else of the new generation.
void InvariantChecker::check_canary_fork(const Fork& fork) const {
  const auto* request = roll_request();
  if (request == nullptr || !request->canary || trial_.good || !trial_.had_workers) return;
  if (fork.generation <= roll_->generation) return;
  if (!pool_.rolling()) return;  // Done: see check_trial().
  std::set<int> tried;
  for (const auto& [id, worker] : seen_) {
    if (worker.generation == fork.generation) tried.insert(worker.slot);
  }
  hold(static_cast<int>(tried.size()) <= std::max(1, request->canary->workers),
       "before the judgement only canaries are started");
}

void InvariantChecker::check_trial(bool deployed) const {
  const auto* request = roll_request();
  if (!deployed || !request->canary || !trial_.had_workers) return;
  hold(trial_.good == true || trial_.is_done || !trial_.until,
       "canaries that were not judged good are not deployed");
}

}  // namespace reeve::supervisor::sim
