#include "supervisor/upgrade/handover_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "supervisor/upgrade/handover_descriptors.hpp"

namespace reeve::supervisor {
namespace {

/// Below are stdin, stdout and stderr, which stay where they are.
constexpr int kFirstFd = 3;

std::string descriptors_rule(const Handover& handover) {
  std::set<int> seen;
  for (const HandedFd& handed : descriptors_of(handover)) {
    if (handed.fd < kFirstFd) return fmt::format("{}: no descriptor", handed.what);
    if (!seen.insert(handed.fd).second) {
      return fmt::format("{}: descriptor {} has two owners", handed.what, handed.fd);
    }
  }
  return "";
}

std::string steered_rule(const SteeredHandover& steered) {
  std::set<std::uint64_t> seen;
  for (const SteeredHandover::Socket& socket : steered.sockets) {
    if (socket.member >= steered.next_member || !seen.insert(socket.member).second) {
      return fmt::format("socket {} is there twice", socket.member);
    }
  }
  return "";
}

/// What the core asserts.
std::string core_rule(const PoolState& state) {
  std::map<WorkerId, const Worker*> workers;
  for (const Worker& worker : state.workers) {
    if (static_cast<std::uint64_t>(worker.id) >= state.next_worker) return "a worker to come";
    if (!workers.emplace(worker.id, &worker).second) return "a worker is there twice";
    const bool has_slot = worker.slot >= 0 && std::cmp_less(worker.slot, state.slots.size());
    if (worker.phase == WorkerPhase::Starting && !has_slot) return "a worker starts in no slot";
  }
  const auto belongs = [&workers](const std::optional<WorkerId>& id, int slot) {
    if (!id) return true;
    const auto found = workers.find(*id);
    return found != workers.end() && found->second->slot == slot;
  };
  for (std::size_t i = 0; i < state.slots.size(); ++i) {
    const Slot& slot = state.slots[i];
    if (std::cmp_not_equal(slot.index, i)) return fmt::format("slots[{}]: not in order", i);
    if (!belongs(slot.current, slot.index) || !belongs(slot.successor, slot.index)) {
      return fmt::format("slots[{}]: its worker is not there", i);
    }
    if (slot.current && is_down(slot.state)) {
      return fmt::format("slots[{}]: is down and has a worker", i);
    }
  }
  return "";
}

bool has_seat(const Handover& handover, const WorkerSocketHandover& worker_socket) {
  if (worker_socket.listener >= handover.listeners.size()) return false;
  const auto& steered = handover.listeners[worker_socket.listener].steered;
  return steered && std::ranges::find(steered->sockets, worker_socket.member,
                                      &SteeredHandover::Socket::member) != steered->sockets.end();
}

/// Each worker of the core is one process, and the other way round.
std::string processes_rule(const PoolHandover& pool, std::set<pid_t>& pids) {
  std::set<WorkerId> workers;
  for (const Worker& worker : pool.state.workers) workers.insert(worker.id);
  for (const ProcessHandover& process : pool.processes) {
    if (workers.erase(process.worker) == 0) return "a process is no worker of the pool";
    if (process.pid <= 1 || !pids.insert(process.pid).second) {
      return fmt::format("pid {} is no worker's own", process.pid);
    }
  }
  return workers.empty() ? "" : "a worker has no process";
}

std::vector<DeploymentHandover> versions_of(const PoolHandover& pool) {
  std::vector<DeploymentHandover> versions = pool.deployments;
  for (const auto* other : {&pool.previous, &pool.adoption}) {
    if (*other) versions.push_back(**other);
  }
  return versions;
}

std::string deployments_rule(const PoolHandover& pool, std::size_t listeners) {
  std::set<Generation> generations;
  for (const DeploymentHandover& deployment : pool.deployments) {
    if (!generations.insert(deployment.generation).second) return "a generation is there twice";
  }
  for (const DeploymentHandover& deployment : versions_of(pool)) {
    const bool known = std::ranges::all_of(
        deployment.listeners, [listeners](std::size_t index) { return index < listeners; });
    if (!known || deployment.listeners.size() != deployment.config.listen.size()) {
      return "a listener of a deployment is not there";
    }
  }
  return generations.contains(pool.state.generation) ? "" : "the deployment in force is not there";
}

std::string seats_rule(const Handover& handover, const PoolHandover& pool,
                       std::set<std::pair<std::size_t, std::uint64_t>>& taken) {
  const auto wrong = [&](const std::vector<WorkerSocketHandover>& worker_sockets) {
    return std::ranges::any_of(worker_sockets, [&](const WorkerSocketHandover& worker_socket) {
      return !has_seat(handover, worker_socket) ||
             !taken.emplace(worker_socket.listener, worker_socket.member).second;
    });
  };
  const bool any_wrong =
      std::ranges::any_of(pool.processes, wrong, &ProcessHandover::worker_sockets) ||
      std::ranges::any_of(pool.kept_seats, wrong, &KeptSeatsHandover::worker_sockets);
  return any_wrong ? "a worker_socket is not there, or has two owners" : "";
}

}  // namespace

std::string broken_rule(const Handover& handover) {
  if (auto broken = descriptors_rule(handover); !broken.empty()) return broken;
  for (const ListenerHandover& listener : handover.listeners) {
    if (!listener.steered) continue;
    if (auto broken = steered_rule(*listener.steered); !broken.empty()) {
      return fmt::format("listen.{}: {}", listener.config.name, broken);
    }
  }
  if (std::ranges::any_of(handover.kept_listeners, [&handover](std::size_t place) {
        return place >= handover.listeners.size();
      })) {
    return "kept_listeners: one is not there";
  }
  std::set<pid_t> pids;
  std::set<std::pair<std::size_t, std::uint64_t>> worker_sockets;
  for (const PoolHandover& pool : handover.pools) {
    for (const std::string& broken :
         {core_rule(pool.state), broken_rule(pool.lease, pool.state.workers),
          deployments_rule(pool, handover.listeners.size()), processes_rule(pool, pids),
          seats_rule(handover, pool, worker_sockets)}) {
      if (!broken.empty()) return fmt::format("pool.{}: {}", pool.state.spec.name, broken);
    }
  }
  return "";
}

}  // namespace reeve::supervisor
