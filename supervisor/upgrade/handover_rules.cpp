#include "supervisor/upgrade/handover_rules.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace reeve::supervisor {
namespace {

using Kind = HandedFd::Kind;

void add_listener(const Listener::State& listener, std::vector<HandedFd>& all) {
  const std::string what = fmt::format("listen.{}", listener.config.name);
  if (listener.fd != kNoFd) all.push_back({what, listener.fd, Kind::Socket});
  if (!listener.steered) return;
  all.push_back({what, listener.steered->anchor_fd, Kind::Socket});
  for (const SteeredAddress::State::Socket& socket : listener.steered->sockets) {
    all.push_back({what, socket.fd, Kind::Socket});
  }
}

void add_process(const std::string& pool, const Process::State& process,
                 std::vector<HandedFd>& all) {
  const auto name = [&](std::string_view what) {
    return fmt::format("{} of {}:{} (pid {})", what, pool, process.identity.slot, process.pid);
  };
  all.push_back({name("the channel"), process.channel_fd, Kind::Socket});
  if (process.recorder_fd != kNoFd) {
    all.push_back({name("the recorder"), process.recorder_fd, Kind::Memory});
  }
  all.push_back({name("stdout"), process.out.fd, Kind::Pipe});
  all.push_back({name("stderr"), process.error.fd, Kind::Pipe});
  if (process.exec_status_fd != kNoFd) {
    all.push_back({name("the status of exec"), process.exec_status_fd, Kind::Pipe});
  }
}

bool is_of(Kind kind, mode_t mode) {
  switch (kind) {
    case Kind::Socket:
      return S_ISSOCK(mode);
    case Kind::Pipe:
      return S_ISFIFO(mode);
    case Kind::Memory:
    case Kind::File:
      return S_ISREG(mode);
  }
  std::unreachable();
}

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

std::string steered_rule(const SteeredAddress::State& steered) {
  std::set<SteeredAddress::Member> seen;
  for (const SteeredAddress::State::Socket& socket : steered.sockets) {
    if (static_cast<std::uint64_t>(socket.member) >= steered.next_member ||
        !seen.insert(socket.member).second) {
      return fmt::format("socket {} is there twice", static_cast<std::uint64_t>(socket.member));
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

bool has_worker_socket(const Handover& handover, const WorkerSocket::State& worker_socket) {
  if (worker_socket.listener >= handover.listeners.size()) return false;
  const auto& steered = handover.listeners[worker_socket.listener].steered;
  return steered &&
         std::ranges::find(steered->sockets, worker_socket.member,
                           &SteeredAddress::State::Socket::member) != steered->sockets.end();
}

/// Each worker of the core is one process, and the other way round.
std::string processes_rule(const PoolRunner::State& pool, std::set<pid_t>& pids) {
  std::map<WorkerId, bool> workers;  // And whether its leader lives.
  for (const Worker& worker : pool.state.workers) workers[worker.id] = !worker.leader_death;
  for (const Process::State& process : pool.processes) {
    const auto worker = workers.extract(process.identity.worker);
    if (worker.empty()) return "a process is no worker of the pool";
    const pid_t leader = worker.mapped() ? process.pid : process.group;
    if (leader <= 1 || !pids.insert(leader).second) {
      return fmt::format("pid {} is no worker's own", leader);
    }
  }
  return workers.empty() ? "" : "a worker has no process";
}

std::string deployments_rule(const PoolRunner::State& pool, std::size_t listeners) {
  std::set<Generation> generations;
  for (const Deployment::State& deployment : pool.deployments) {
    if (!generations.insert(deployment.generation).second) return "a generation is there twice";
  }
  for (const Deployment::State& deployment : versions_of(pool)) {
    const bool known = std::ranges::all_of(
        deployment.listeners, [listeners](std::size_t index) { return index < listeners; });
    if (!known || deployment.listeners.size() != deployment.config.listen.size()) {
      return "a listener of a deployment is not there";
    }
    const PoolConfig& config = deployment.config;
    if (!config.user.empty() && !config.run_as) return "nothing says who its user is";
  }
  return generations.contains(pool.state.generation) ? "" : "the deployment in force is not there";
}

std::string worker_sockets_rule(const Handover& handover, const PoolRunner::State& pool,
                                std::set<WorkerSocket::State>& taken) {
  const auto wrong = [&](const std::vector<WorkerSocket::State>& worker_sockets) {
    return std::ranges::any_of(worker_sockets, [&](const WorkerSocket::State& worker_socket) {
      return !has_worker_socket(handover, worker_socket) || !taken.insert(worker_socket).second;
    });
  };
  const bool any_wrong =
      std::ranges::any_of(pool.processes, wrong, &Process::State::worker_sockets) ||
      std::ranges::any_of(pool.kept_seats, wrong, &ConnectionSteering::Kept::worker_sockets);
  return any_wrong ? "a worker socket is not there, or has two owners" : "";
}

}  // namespace

std::vector<Deployment::State> versions_of(const PoolRunner::State& pool) {
  std::vector<Deployment::State> versions = pool.deployments;
  for (const auto* other : {&pool.previous, &pool.adoption}) {
    if (*other) versions.push_back(**other);
  }
  return versions;
}

std::vector<HandedFd> descriptors_of(const Handover& handover) {
  std::vector<HandedFd> all = {{"the lock", handover.lock_fd, Kind::File},
                               {"the notify socket", handover.notify_fd, Kind::Socket},
                               {"the control socket", handover.control_fd, Kind::Socket}};
  for (const NamedFdHandover& adopted : handover.adopted) {
    all.push_back({fmt::format("systemd:{}", adopted.name), adopted.fd, Kind::Socket});
  }
  for (const Listener::State& listener : handover.listeners) add_listener(listener, all);
  for (const PoolRunner::State& pool : handover.pools) {
    for (const Process::State& process : pool.processes) {
      add_process(pool.state.spec.name, process, all);
    }
  }
  for (const ControlSession::State& session : handover.sessions) {
    all.push_back({"a client of the control socket", session.fd, Kind::Socket});
  }
  return all;
}

std::string wrong_descriptor(const std::vector<HandedFd>& descriptors) {
  for (const HandedFd& handed : descriptors) {
    struct stat found{};
    if (::fstat(handed.fd, &found) != 0) {
      return fmt::format("{}: descriptor {} is not open", handed.what, handed.fd);
    }
    if (!is_of(handed.kind, found.st_mode)) {
      return fmt::format("{}: descriptor {} is something else", handed.what, handed.fd);
    }
  }
  return "";
}

void set_inherited(const std::vector<int>& fds, bool inherited) {
  // For descriptors that are open, this cannot fail.
  for (const int fd : fds) ::fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

std::vector<int> descriptor_numbers(const Handover& handover) {
  std::vector<int> numbers;
  for (const HandedFd& handed : descriptors_of(handover)) numbers.push_back(handed.fd);
  return numbers;
}

std::string broken_rule(const Handover& handover) {
  if (auto broken = descriptors_rule(handover); !broken.empty()) return broken;
  for (const Listener::State& listener : handover.listeners) {
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
  std::set<WorkerSocket::State> worker_sockets;
  for (const PoolRunner::State& pool : handover.pools) {
    for (const std::string& broken :
         {core_rule(pool.state), broken_rule(pool.lease, pool.state.workers),
          deployments_rule(pool, handover.listeners.size()), processes_rule(pool, pids),
          worker_sockets_rule(handover, pool, worker_sockets)}) {
      if (!broken.empty()) return fmt::format("pool.{}: {}", pool.state.spec.name, broken);
    }
  }
  return "";
}

}  // namespace reeve::supervisor
