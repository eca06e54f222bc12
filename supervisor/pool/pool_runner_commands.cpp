// The commands of a pool. Its listeners are open before anything starts, and are emptied before the
// whole pool stops.
#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {
namespace {

constexpr Duration kLongestQuiesce = std::chrono::seconds(1);

/// For a program that is not ours to read what it has accepted.
constexpr Duration kSettleStop = std::chrono::milliseconds(50);

bool covers(const SlotSet& slots, const Pool& pool) {
  return slots.empty() || slots.size() == pool.slots().size();
}

}  // namespace

void PoolRunner::start(CommandId command, const SlotSet& slots) {
  held_for_.clear();
  // It is still draining what it is no longer to be: what starts is the version that came since.
  if (deploy_what_waits(command)) return;
  if (!open_listeners_for(command, deployment().listeners)) return;
  forget_restarts(slots);
  feed(StartRequested{command, slots});
}

/// Slots that are down begin to count anew; those that run go on.
void PoolRunner::forget_restarts(const SlotSet& slots) {
  for (const Slot& slot : pool_.slots()) {
    const bool is_meant = slots.empty() || slots.contains(slot.index);
    if (is_meant && supervisor::is_down(slot.state)) deaths_.forget_restarts(slot.index);
  }
}

void PoolRunner::stop(CommandId command, const SlotSet& slots) {
  held_for_.clear();
  hurry_quiesce();
  if (covers(slots, pool_) && !is_down()) {
    empty_listeners_then_stop(command, slots);
  } else {
    feed(StopRequested{command, slots});
  }
}

void PoolRunner::roll(CommandId command, const SlotSet& slots, OnStarted on_started) {
  held_for_.clear();
  if (deploy_what_waits(command)) return;
  if (!open_listeners_for(command, deployment().listeners)) return;
  const bool whole = slots.empty();
  if (whole && !pool_.rolling() && !pool_.spec().reloads) {
    versions_.prepare(pool_.upcoming_generation(), deployment());
  }
  if (!pool_.rolling()) {
    deploying_ = command;
    on_started_ = std::move(on_started);
  }
  feed(RollRequested{command, slots, std::nullopt});
}

void PoolRunner::hard_restart(CommandId command, const SlotSet& slots) {
  held_for_.clear();
  if (deploy_what_waits(command)) return;
  if (open_listeners_for(command, deployment().listeners))
    feed(HardRestartRequested{command, slots});
}

void PoolRunner::scale(CommandId command, int workers) {
  hurry_quiesce();  // What is about to stop is not started again for that.
  const bool stays_down = is_down() && !pool_.slots().empty();
  if (!stays_down && !open_listeners_for(command, deployment().listeners)) return;
  feed(ScaleRequested{command, workers});
}

void PoolRunner::reconfigure_workers(CommandId command, int workers) {
  versions_.set_workers(pool_.generation(), workers);
  scale(command, workers);
}

void PoolRunner::announce_stop() {
  stop_announced_ = true;
  for (const auto& [worker, process] : processes_) {
    [[maybe_unused]] const auto tolerated = process->tell({.not_ready = true});
  }
}

void PoolRunner::reconfigure(CommandId command, const PoolConfig& config) {
  const bool scales = config.spec.workers != deployment().config.spec.workers;
  std::set<WorkerId> native;
  for (const auto& [worker, process] : processes_) {
    if (process->is_native()) native.insert(worker);
  }
  versions_.reconfigure(pool_.generation(), config);
  log_.info("{}: its rules are those of the file now; no worker was replaced for that", name());
  feed(Reconfigured{config.spec, std::move(native)});
  if (scales) return scale(command, config.spec.workers);
  observer_.finished(command, {success(name(), "reconfigured", "no worker was replaced for that")});
}

void PoolRunner::end_grace() {
  hurry_quiesce();
  deaths_.kills().hurry();
  feed(GraceEnded{});
}

bool PoolRunner::deploy_what_waits(CommandId command) {
  std::optional<Deployment> next = versions_.take_waiting();
  if (!next) return false;
  deploy(command, std::move(*next));
  return true;
}

bool PoolRunner::open_listeners_for(CommandId command, const ListenerSet& listeners) {
  const auto opened = listeners_.open(listeners);
  if (opened) return true;
  observer_.finished(command,
                     {render(name(), pool_.slots().size(),
                             {std::nullopt, Outcome::SpawnError, opened.error().text, {}}, {})});
  return false;
}

void PoolRunner::empty_listeners_then_stop(CommandId command, const SlotSet& slots) {
  const bool all_native =
      std::ranges::all_of(processes_, [](const auto& entry) { return entry.second->is_native(); });
  const auto serves = [this] {
    return std::ranges::any_of(pool_.slots(),
                               [](const Slot& slot) { return slot.state == SlotState::Running; });
  };
  listeners_.empty(deployment().listeners,
                   {.longest = std::min(kLongestQuiesce, pool_.spec().grace / 4),
                    .settle = all_native ? Duration::zero() : kSettleStop,
                    .someone_left = serves},
                   [this, command, slots] {
                     close_listeners();
                     feed(StopRequested{command, slots});
                   });
}

}  // namespace reeve::supervisor
