#pragma once
// What one pool hands to the next master, as plain data: its decisions, its versions, its
// processes, and what is known of its dead. Listeners are places in the list that is handed over
// beside the pools.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ipc/format/fields.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/core/lease.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/listen/worker_socket.hpp"
#include "supervisor/process/process.hpp"

namespace reeve::supervisor {

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

}  // namespace reeve::supervisor
