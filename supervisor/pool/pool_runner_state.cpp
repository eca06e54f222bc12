// A pool that goes on under a new master.
#include <fmt/format.h>

#include <utility>

#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {

namespace {

Deployment adopt_deployment(const DeploymentHandover& handover, const ListenerSet& listeners) {
  ListenerSet own;
  for (const std::size_t place : handover.listeners) own.push_back(listeners[place]);
  return Deployment::with(handover.config, std::move(own));
}

}  // namespace

PoolRunner::PoolRunner(Dependencies dependencies, const PoolHandover& handover,
                       const ListenerSet& listeners, std::uint32_t seed)
    : loop_(dependencies.loop),
      log_(dependencies.log),
      launcher_(dependencies.launcher),
      observer_(dependencies.observer),
      pool_(handover.state, seed, loop_.now()),
      lease_(handover.lease),
      settled_generation_(pool_.generation()),
      seed_(seed),
      tails_(log_.tail_budget()),
      kills_(loop_, log_),
      steering_(loop_),
      timer_(loop_, [this] { on_timer(); }),
      canary_timer_(loop_, [this] { look_at_canary(); }) {
  for (const DeploymentHandover& deployment : handover.deployments) {
    deployments_.emplace(deployment.generation, adopt_deployment(deployment, listeners));
  }
  if (handover.previous) previous_ = adopt_deployment(*handover.previous, listeners);
  if (handover.adoption) adoption_ = adopt_deployment(*handover.adoption, listeners);
  CgroupTree* const cgroups = launcher_.dependencies().cgroups;
  for (const ProcessHandover& handed : handover.processes) {
    auto process =
        std::make_unique<Process>(loop_, static_cast<ProcessObserver&>(*this), handed,
                                  adopt_seats(handed.worker_sockets, listeners),
                                  cgroups != nullptr ? cgroups->adopt(handed.pid) : nullptr);
    by_pid_.emplace(handed.pid, process.get());
    processes_.emplace(handed.worker, std::move(process));
  }
  for (const ProcessHandover& handed : handover.processes) {
    if (!handed.leaves_seat) continue;
    const auto kind = pool_.find(handed.worker)->drain_kind.value_or(DrainKind::Patient);
    drain(*processes_.at(handed.worker), kind);
  }
  for (const auto& [slot, text] : handover.tails) tails_.of(slot).restore(text);
  for (const KeptSeatsHandover& kept : handover.kept_seats) {
    steering_.keep(kept.slot, adopt_seats(kept.worker_sockets, listeners));
  }
  last_deaths_ = handover.last_deaths;
  held_for_ = handover.held_for;
  for (const DeathHandover& death : handover.deaths) {
    deaths_.keep(death.slot, {.summary = death.summary, .details = death.details});
  }
  arm_timer();
}

std::string PoolRunner::at_work() const {
  if (pool_.rolling()) return fmt::format("a rolling restart of {} runs", name());
  if (quiesce_) return fmt::format("{} is being stopped", name());
  if (kills_.under_way()) return fmt::format("a worker of {} is being killed", name());
  if (!pool_.state()) return fmt::format("a command of {} has no verdict yet", name());
  return "";
}

PoolHandover PoolRunner::hand_over(HandedListeners& listeners) const {
  PoolHandover handover;
  handover.state = pool_.state().value();
  handover.lease = lease_.state();
  const auto hand = [&listeners](Generation generation, const Deployment& deployment) {
    DeploymentHandover handed{
        .generation = generation, .config = deployment.config, .listeners = {}};
    for (const SharedListener& listener : deployment.listeners) {
      handed.listeners.push_back(listeners.place_of(*listener));
    }
    return handed;
  };
  for (const auto& [generation, deployment] : deployments_) {
    handover.deployments.push_back(hand(generation, deployment));
  }
  if (previous_) handover.previous = hand({}, *previous_);
  if (adoption_) handover.adoption = hand({}, *adoption_);
  for (const auto& [worker, process] : processes_) {
    ProcessHandover handed = process->hand_over();
    handed.worker_sockets = listeners.places_of(process->worker_sockets());
    handed.leaves_seat = steering_.leaving(worker);
    handover.processes.push_back(std::move(handed));
  }
  for (const auto& [slot, tail] : tails_.all()) {
    handover.tails[slot] = tail.last(TailBuffer::kMaxBytes);
  }
  for (const auto& [slot, worker_sockets] : steering_.kept()) {
    handover.kept_seats.push_back(
        {.slot = slot, .worker_sockets = listeners.places_of(worker_sockets)});
  }
  handover.last_deaths = last_deaths_;
  handover.held_for = held_for_;
  for (const int slot : deaths_.slots()) {
    const DeathReport& report = *deaths_.last(slot);
    handover.deaths.push_back({.slot = slot, .summary = report.summary, .details = report.details});
  }
  return handover;
}

}  // namespace reeve::supervisor
