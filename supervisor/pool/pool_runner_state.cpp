// A pool that goes on under a new master.
#include <fmt/format.h>

#include <utility>

#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {

PoolRunner::PoolRunner(Dependencies dependencies, const State& state, const ListenerSet& listeners,
                       std::uint32_t seed)
    : loop_(dependencies.loop),
      log_(dependencies.log),
      launcher_(dependencies.launcher),
      observer_(dependencies.observer),
      seed_(seed),
      pool_(state.state, seed, loop_.now()),
      versions_({.deployments = state.deployments,
                 .previous = state.previous,
                 .adoption = state.adoption},
                pool_.generation(), listeners),
      listeners_(loop_, log_, used_elsewhere()),
      lease_(log_, pool_, lease_callbacks(), state.lease),
      canary_(loop_, canary_callbacks()),
      deaths_(
          loop_, log_,
          {.reports = state.deaths, .last = state.last_deaths, .unasked = state.unasked_deaths}),
      steering_(
          loop_, [this] { look_who_accepts(); }, state.kept_seats, listeners),
      probing_(loop_, probing_callbacks()),
      tails_(log_.tail_budget()),
      held_for_(state.held_for),
      timer_(loop_, [this] { on_timer(); }),
      look_timer_(loop_, [this] { look_at_what_is_left(); }) {
  CgroupTree* const cgroups = launcher_.dependencies().cgroups;
  for (const Process::State& handed : state.processes) {
    const bool leads = handed.pid != 0;
    std::unique_ptr<WorkerCgroup> cgroup;
    if (cgroups != nullptr && leads) cgroup = cgroups->adopt(handed.pid);
    if (cgroups != nullptr && !leads && !handed.cgroup.empty()) {
      cgroup = std::make_unique<WorkerCgroup>(*cgroups, handed.cgroup);
    }
    auto process = std::make_unique<Process>(loop_, static_cast<ProcessObserver&>(*this), handed,
                                             adopt_worker_sockets(handed.worker_sockets, listeners),
                                             std::move(cgroup));
    if (leads) {
      by_pid_.emplace(handed.pid, process.get());
    } else {
      look_timer_.arm(Duration::zero());
    }
    processes_.emplace(handed.identity.worker, std::move(process));
  }
  for (const Process::State& handed : state.processes) {
    if (!handed.leaving) continue;
    const auto kind = pool_.find(handed.identity.worker)->drain_kind.value_or(DrainKind::Patient);
    drain(*processes_.at(handed.identity.worker), kind);
  }
  for (const auto& [slot, text] : state.tails) tails_.of(slot).restore(text);
  steering_.steer(pool_, processes_);
  update_probes();
  arm_timer();
}

std::string PoolRunner::at_work() const {
  if (pool_.rolling()) return fmt::format("a rolling restart of {} is running", name());
  if (listeners_.emptying()) return fmt::format("{} is being stopped", name());
  if (deaths_.kills().under_way()) return fmt::format("a worker of {} is being killed", name());
  if (!pool_.state()) return fmt::format("a command of {} has no verdict yet", name());
  return "";
}

PoolRunner::State PoolRunner::state(HandedListeners& listeners) const {
  State state;
  state.state = pool_.state().value();
  state.lease = lease_.state();
  Versions::State versions =
      versions_.state([&listeners](const Listener& one) { return listeners.place_of(one); });
  state.deployments = std::move(versions.deployments);
  state.previous = std::move(versions.previous);
  state.adoption = std::move(versions.adoption);
  for (const auto& [worker, process] : processes_) {
    Process::State handed = process->state();
    handed.worker_sockets = listeners.places_of(process->worker_sockets());
    handed.leaving = steering_.leaving(worker);
    state.processes.push_back(std::move(handed));
  }
  for (const auto& [slot, tail] : tails_.all()) {
    state.tails[slot] = tail.last(TailBuffer::kMaxBytes);
  }
  state.kept_seats = steering_.state(listeners);
  Deaths::State deaths = deaths_.state();
  state.deaths = std::move(deaths.reports);
  state.last_deaths = std::move(deaths.last);
  state.unasked_deaths = std::move(deaths.unasked);
  state.held_for = held_for_;
  return state;
}

}  // namespace reeve::supervisor
