// A pool that goes on under a new master.
#include <fmt/format.h>

#include <utility>

#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {

PoolRunner::PoolRunner(Dependencies dependencies, const PoolHandover& handover,
                       const ListenerSet& listeners, std::uint32_t seed)
    : loop_(dependencies.loop),
      log_(dependencies.log),
      launcher_(dependencies.launcher),
      observer_(dependencies.observer),
      seed_(seed),
      pool_(handover.state, seed, loop_.now()),
      versions_({.deployments = handover.deployments,
                 .previous = handover.previous,
                 .adoption = handover.adoption},
                pool_.generation(), listeners),
      listeners_(loop_, log_, used_elsewhere()),
      lease_(log_, pool_, lease_callbacks(), handover.lease),
      canary_(loop_, canary_callbacks()),
      deaths_(loop_, log_, {.reports = handover.deaths, .last = handover.last_deaths}),
      steering_(loop_),
      tails_(log_.tail_budget()),
      held_for_(handover.held_for),
      timer_(loop_, [this] { on_timer(); }) {
  CgroupTree* const cgroups = launcher_.dependencies().cgroups;
  for (const Process::State& handed : handover.processes) {
    auto process =
        std::make_unique<Process>(loop_, static_cast<ProcessObserver&>(*this), handed,
                                  adopt_worker_sockets(handed.worker_sockets, listeners),
                                  cgroups != nullptr ? cgroups->adopt(handed.pid) : nullptr);
    by_pid_.emplace(handed.pid, process.get());
    processes_.emplace(handed.identity.worker, std::move(process));
  }
  for (const Process::State& handed : handover.processes) {
    if (!handed.leaving) continue;
    const auto kind = pool_.find(handed.identity.worker)->drain_kind.value_or(DrainKind::Patient);
    drain(*processes_.at(handed.identity.worker), kind);
  }
  for (const auto& [slot, text] : handover.tails) tails_.of(slot).restore(text);
  for (const KeptSeatsHandover& kept : handover.kept_seats) {
    steering_.keep(kept.slot, adopt_worker_sockets(kept.worker_sockets, listeners));
  }
  arm_timer();
}

std::string PoolRunner::at_work() const {
  if (pool_.rolling()) return fmt::format("a rolling restart of {} runs", name());
  if (listeners_.emptying()) return fmt::format("{} is being stopped", name());
  if (deaths_.kills().under_way()) return fmt::format("a worker of {} is being killed", name());
  if (!pool_.state()) return fmt::format("a command of {} has no verdict yet", name());
  return "";
}

PoolHandover PoolRunner::hand_over(HandedListeners& listeners) const {
  PoolHandover handover;
  handover.state = pool_.state().value();
  handover.lease = lease_.state();
  Versions::State versions =
      versions_.state([&listeners](const Listener& one) { return listeners.place_of(one); });
  handover.deployments = std::move(versions.deployments);
  handover.previous = std::move(versions.previous);
  handover.adoption = std::move(versions.adoption);
  for (const auto& [worker, process] : processes_) {
    Process::State handed = process->state();
    handed.worker_sockets = listeners.places_of(process->worker_sockets());
    handed.leaving = steering_.leaving(worker);
    handover.processes.push_back(std::move(handed));
  }
  for (const auto& [slot, tail] : tails_.all()) {
    handover.tails[slot] = tail.last(TailBuffer::kMaxBytes);
  }
  for (const auto& [slot, worker_sockets] : steering_.kept()) {
    handover.kept_seats.push_back(
        {.slot = slot, .worker_sockets = listeners.places_of(worker_sockets)});
  }
  Deaths::State deaths = deaths_.state();
  handover.deaths = std::move(deaths.reports);
  handover.last_deaths = std::move(deaths.last);
  handover.held_for = held_for_;
  return handover;
}

}  // namespace reeve::supervisor
