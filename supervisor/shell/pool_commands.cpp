// The commands of a pool, and its door: listeners are open before anything starts, are emptied
// before the whole pool stops, and are closed while it is stopped, so that clients are refused and
// do not wait.
#include <algorithm>
#include <chrono>
#include <utility>

#include "supervisor/shell/pool_runner.hpp"

namespace reeve::supervisor {
namespace {

constexpr Duration kLongestQuiesce = std::chrono::seconds(1);

bool covers(const SlotSet& slots, const Pool& pool) {
  return slots.empty() || slots.size() == pool.slots().size();
}

}  // namespace

void PoolRunner::start(CommandId command, const SlotSet& slots) {
  if (open_door(command)) feed(StartRequested{command, slots});
}

void PoolRunner::stop(CommandId command, const SlotSet& slots) {
  hurry_quiesce();
  if (covers(slots, pool_) && !is_down()) {
    quiesce_then_stop(command, slots);
  } else {
    feed(StopRequested{command, slots});
  }
}

void PoolRunner::roll(CommandId command, const SlotSet& slots) {
  if (!open_door(command)) return;
  const bool whole = slots.empty();
  if (whole && !pool_.rolling()) {
    deployments_.insert_or_assign(pool_.upcoming_generation(), deployment());
  }
  feed(RollRequested{command, slots, std::nullopt});
}

void PoolRunner::deploy(CommandId command, Deployment next) {
  hurry_quiesce();
  PoolSpec spec = next.config.spec;
  if (!pool_.rolling()) {
    deployments_.insert_or_assign(pool_.upcoming_generation(), std::move(next));
  }
  feed(RollRequested{command, {}, std::move(spec)});
}

void PoolRunner::hard_restart(CommandId command, const SlotSet& slots) {
  if (open_door(command)) feed(HardRestartRequested{command, slots});
}

void PoolRunner::scale(CommandId command, int workers) {
  const bool stays_down = is_down() && !pool_.slots().empty();
  if (!stays_down && !open_door(command)) return;
  deployments_.at(pool_.generation()).config.spec.workers = workers;
  feed(ScaleRequested{command, workers});
}

void PoolRunner::end_grace() {
  hurry_quiesce();
  feed(GraceEnded{});
}

bool PoolRunner::open_door(CommandId command) {
  hurry_quiesce();
  for (const SharedListener& listener : deployment().listeners) {
    if (listener->is_open()) continue;
    if (auto opened = listener->open(); !opened) {
      observer_.finished(
          command,
          {render(name(), {std::nullopt, Outcome::SpawnError, opened.error().text, {}}, {})});
      return false;
    }
    log_.info("listening on {} {}", listener->name(), listener->address());
  }
  return true;
}

void PoolRunner::quiesce_then_stop(CommandId command, const SlotSet& slots) {
  auto stop_now = [this, command, slots] {
    const auto keep_alive = std::move(quiesce_);
    close_door();
    feed(StopRequested{command, slots});
  };
  const auto serves = [this] {
    return std::ranges::any_of(pool_.slots(),
                               [](const Slot& slot) { return slot.state == SlotState::Running; });
  };
  ListenerSet listeners = own_listeners();
  if (listeners.empty() || !serves()) {
    stop_now();
    return;
  }
  const Duration longest = std::min(kLongestQuiesce, pool_.spec().grace / 4);
  quiesce_ = std::make_unique<Quiesce>(loop_, std::move(listeners),
                                       Quiesce::Limits{longest, serves}, std::move(stop_now));
}

void PoolRunner::hurry_quiesce() {
  if (quiesce_) quiesce_->finish();
}

void PoolRunner::close_door() {
  for (const SharedListener& listener : own_listeners()) listener->close();
}

/// Open, not from systemd, and no other pool serves from them.
ListenerSet PoolRunner::own_listeners() const {
  ListenerSet own = deployment().listeners;
  std::erase_if(own, [this](const SharedListener& listener) {
    return !listener->is_open() || listener->adopted() ||
           observer_.used_elsewhere(*this, *listener);
  });
  return own;
}

}  // namespace reeve::supervisor
