#pragma once
// The rules between values that are each right by themselves. Complains as Cell does.

#include <vector>

#include "supervisor/config/cell.hpp"
#include "supervisor/config/config.hpp"

namespace reeve::supervisor::config {

/// A part of the configuration together with the table that it was read from.
template <class T>
struct Sourced {
  T value;
  Cell table;
};

/// No two listeners have the same address.
void check_addresses(const std::vector<Sourced<ListenerConfig>>& listeners);

/// Only TCP listeners of our own can have a socket for each worker.
void check_sockets(const std::vector<Sourced<ListenerConfig>>& listeners);

/// `listen` names listeners that exist, each once.
void check_listen(const Sourced<PoolConfig>& pool,
                  const std::vector<Sourced<ListenerConfig>>& listeners);

/// Each ${...} of the command means something.
void check_placeholders(const Sourced<PoolConfig>& pool);

/// No two pools bind the same `port`. Has those that bind one roll without a surge.
void check_ports(std::vector<Sourced<PoolConfig>>& pools);

/// Times of the pool that contradict each other.
void check_times(const Sourced<PoolConfig>& pool);

/// A roll without a surge needs slots that it may empty.
void check_rolling(const Sourced<PoolConfig>& pool);

/// `after` names other pools, each once, and no pool waits for itself in the end.
void check_order(const std::vector<Sourced<PoolConfig>>& pools);

/// The program and the working directory exist. Looks at files.
void check_files(const Sourced<PoolConfig>& pool);

}  // namespace reeve::supervisor::config
