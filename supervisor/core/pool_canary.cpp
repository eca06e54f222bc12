// Canaries: the part of a roll that goes first. They serve beside their predecessors, all at once,
// until the two were compared; nothing else of the roll begins before.
//
//   Canaries --all serve: Watch--> Watching --until: Judge--> Judging --good--> Rolling
//      any other end, and a bad verdict while they are watched: the roll turns back
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {
namespace {

/// A deploy that takes longer blocks every other one; and a wild value must not overflow the clock.
constexpr Duration kLongestWatch = std::chrono::hours(24 * 7);

}  // namespace

/// The first slots that run, else that boot. A pool that is down has nothing to compare with, and
/// starts without canaries.
void Pool::choose_canaries(const Canary& canary) {
  const auto wanted = static_cast<std::size_t>(std::max(1, canary.workers));
  for (const SlotState state : {SlotState::Running, SlotState::Starting}) {
    for (const Slot& slot : slots_) {
      if (slot.state == state && roll_->canaries.size() < wanted) {
        roll_->canaries.insert(slot.index);
      }
    }
  }
  if (roll_->canaries.empty()) return;
  roll_->stage = Roll::Stage::Canaries;
  roll_->watch = std::clamp(canary.watch, Duration::zero(), kLongestWatch);
}

void Pool::advance_canaries() {
  Roll& roll = *roll_;
  if (roll.stage == Roll::Stage::Rolling) return;
  if (roll.canaries.empty()) {
    turn_back("a later command took the canaries away", {}, {});
    return;
  }
  if (roll.stage == Roll::Stage::Canaries && canaries_serve()) {
    roll.stage = Roll::Stage::Watching;
    roll.until = now_ + roll.watch;
    Watch watch{.command = roll.command, .canaries = {}, .until = roll.until};
    for (const int index : roll.canaries) watch.canaries.push_back(roll.starting.at(index).id);
    actions_.push_back(std::move(watch));
  }
  if (roll.stage == Roll::Stage::Watching && roll.until <= now_) {
    roll.stage = Roll::Stage::Judging;
    roll.until = now_ + kJudgement;
    actions_.push_back(Judge{roll.command});
  }
  if (roll.stage == Roll::Stage::Judging && roll.until <= now_) {
    turn_back(fmt::format("nobody judged the canaries within {}", short_duration(kJudgement)), {},
              {});
  }
}

bool Pool::canaries_serve() const {
  return std::ranges::all_of(roll_->canaries, [this](int index) {
    const auto found = roll_->starting.find(index);
    return found != roll_->starting.end() && found->second.step == Candidate::Step::Watched;
  });
}

void Pool::take(const Judged& event) {
  if (!roll_ || roll_->command != event.command) return;
  const bool judging = roll_->stage == Roll::Stage::Judging;
  if (event.good && judging) {
    roll_->stage = Roll::Stage::Rolling;  // accept_candidates() promotes them.
    roll_->canaries.clear();
  } else if (!event.good && (judging || roll_->stage == Roll::Stage::Watching)) {
    turn_back(event.text.empty() ? "the canaries were judged bad" : event.text, {}, {});
  }
}

}  // namespace reeve::supervisor
