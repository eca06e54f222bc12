// The commands of a pool, and its door: listeners are open before anything starts, are emptied
// before the whole pool stops, and are closed while it is stopped, so that clients are refused and
// do not wait.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {
namespace {

constexpr Duration kLongestQuiesce = std::chrono::seconds(1);

/// For a program that is not ours to read what it has accepted.
constexpr Duration kSettle = std::chrono::milliseconds(50);

/// Whoever has connected stays.
void shut_out_newcomers(Listener& listener) {
  if (listener.config().address.kind == ipc::Address::Kind::Unix) {
    listener.remove_path();
    return;
  }
  for (const int socket : listener.sockets()) {
    // Without the filter the queue is emptied all the same; it may only fill again.
    [[maybe_unused]] const auto tolerated = refuse_new_connections(socket);
  }
}

bool covers(const SlotSet& slots, const Pool& pool) {
  return slots.empty() || slots.size() == pool.slots().size();
}

}  // namespace

void PoolRunner::start(CommandId command, const SlotSet& slots) {
  held_for_.clear();
  // It is still draining what it is no longer to be: what starts is the version that came since.
  if (adoption_) {
    deploy(command, *std::exchange(adoption_, std::nullopt));
    return;
  }
  if (open_listeners_for(command)) feed(StartRequested{command, slots});
}

void PoolRunner::stop(CommandId command, const SlotSet& slots) {
  held_for_.clear();
  hurry_quiesce();
  if (covers(slots, pool_) && !is_down()) {
    quiesce_then_stop(command, slots);
  } else {
    feed(StopRequested{command, slots});
  }
}

void PoolRunner::roll(CommandId command, const SlotSet& slots) {
  held_for_.clear();
  if (adoption_) {
    deploy(command, *std::exchange(adoption_, std::nullopt));
    return;
  }
  if (!open_listeners_for(command)) return;
  const bool whole = slots.empty();
  if (whole && !pool_.rolling()) {
    deployments_.insert_or_assign(pool_.upcoming_generation(), deployment());
  }
  feed(RollRequested{command, slots, std::nullopt});
}

void PoolRunner::hard_restart(CommandId command, const SlotSet& slots) {
  held_for_.clear();
  if (adoption_) {
    deploy(command, *std::exchange(adoption_, std::nullopt));
    return;
  }
  if (open_listeners_for(command)) feed(HardRestartRequested{command, slots});
}

void PoolRunner::scale(CommandId command, int workers) {
  hurry_quiesce();  // What is about to stop is not started again for that.
  const bool stays_down = is_down() && !pool_.slots().empty();
  if (!stays_down && !open_listeners_for(command)) return;
  feed(ScaleRequested{command, workers});
}

void PoolRunner::reconfigure_workers(CommandId command, int workers) {
  deployments_.at(pool_.generation()).config.spec.workers = workers;
  if (adoption_) adoption_->config.spec.workers = workers;
  scale(command, workers);
}

void PoolRunner::end_grace() {
  hurry_quiesce();
  kills_.hurry();
  feed(GraceEnded{});
}

bool PoolRunner::open_listeners_for(CommandId command) {
  return open_listeners_for(command, deployment().listeners);
}

bool PoolRunner::open_listeners_for(CommandId command, const ListenerSet& listeners) {
  hurry_quiesce();
  for (const SharedListener& listener : listeners) {
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
    close_listeners();
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
  std::vector<int> sockets;
  for (const SharedListener& listener : listeners) {
    shut_out_newcomers(*listener);
    std::ranges::copy(listener->sockets(), std::back_inserter(sockets));
  }
  const bool all_native =
      std::ranges::all_of(processes_, [](const auto& entry) { return entry.second->is_native(); });
  quiesce_ = std::make_unique<AcceptQueueWait>(
      loop_, std::move(sockets),
      AcceptQueueWait::Limits{.longest = std::min(kLongestQuiesce, pool_.spec().grace / 4),
                              .settle = all_native ? Duration::zero() : kSettle,
                              .someone_left = serves},
      std::move(stop_now));
}

void PoolRunner::hurry_quiesce() {
  if (quiesce_) quiesce_->finish();
}

void PoolRunner::close_listeners() {
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
