#pragma once
// What one master hands to the next when it replaces itself: all that it knows, as plain data, and
// the numbers of the descriptors that survive the exec. Points in time are those of the machine's
// monotonic clock, which both share; pids are of children that stay children. Knows no encoding
// (handover_codec.hpp) and owns nothing: the numbers are borrowed from those who hand over, and
// become the property of those who adopt.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ipc/address.hpp"
#include "ipc/worker_state.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/control/session.hpp"
#include "supervisor/core/lease.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/process/process.hpp"

namespace reeve::supervisor {

using ipc::kNoFd;

struct DeploymentHandover {
  Generation generation{};
  PoolConfig config;
  std::vector<std::size_t> listeners;  ///< those of config.listen, in order
};
REEVE_FIELDS(DeploymentHandover, generation, config, listeners)

/// What `reevectl why` tells of the last death in a slot.
struct DeathHandover {
  int slot = 0;
  std::vector<std::string> summary;
  std::vector<std::string> details;
};
REEVE_FIELDS(DeathHandover, slot, summary, details)

/// WorkerSockets that a crashed worker has left to its successor.
struct KeptSeatsHandover {
  int slot = 0;
  std::vector<WorkerSocket::State> worker_sockets;
};
REEVE_FIELDS(KeptSeatsHandover, slot, worker_sockets)

struct PoolHandover {
  bool removed = false;  ///< from the configuration; what is left of it drains
  PoolState state;
  LeaseState lease;
  std::vector<DeploymentHandover> deployments;
  std::optional<DeploymentHandover> previous;  ///< what a rollback returns to
  std::optional<DeploymentHandover> adoption;  ///< what is taken over once nothing is left
  std::vector<Process::State> processes;
  std::map<int, std::string> tails;  ///< of each slot: its last output
  std::vector<KeptSeatsHandover> kept_seats;
  std::vector<DeathHandover> deaths;  ///< the last one is last
  std::map<int, Death> last_deaths;   ///< of each slot: how it ended
  std::string held_for;               ///< why it has not started yet: it waits for another pool
};
REEVE_FIELDS(PoolHandover, removed, state, lease, deployments, previous, adoption, processes, tails,
             kept_seats, deaths, last_deaths, held_for)

struct NamedFdHandover {
  std::string name;
  int fd = kNoFd;
};
REEVE_FIELDS(NamedFdHandover, name, fd)

/// setrlimit(2) as the master was given it, before it raised its own.
struct LimitHandover {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};
REEVE_FIELDS(LimitHandover, soft, hard)

struct Handover {
  std::string version;  ///< of the master that hands over
  std::string binary;   ///< the path that it was started by, for the next upgrade
  std::string config_path;
  SupervisorConfig supervisor;  ///< as read last
  std::optional<LimitHandover> nofile;
  TimePoint started_at;
  bool said_ready = false;
  int lock_fd = kNoFd;
  int notify_fd = kNoFd;
  int control_fd = kNoFd;
  std::vector<NamedFdHandover> adopted;  ///< from systemd, used by no listener
  std::vector<Listener::State> listeners;
  std::vector<PoolHandover> pools;
  std::vector<ControlSession::State> sessions;
  std::vector<std::size_t> kept_listeners;  ///< from systemd, whether a pool uses them or not
  std::string log_tail;                     ///< the end of the master's own log
  std::string unwritten_log;                ///< lines that a slow reader has not taken yet
};
REEVE_FIELDS(Handover, version, binary, config_path, supervisor, nofile, started_at, said_ready,
             lock_fd, notify_fd, control_fd, adopted, listeners, pools, sessions, kept_listeners,
             log_tail, unwritten_log)

}  // namespace reeve::supervisor
