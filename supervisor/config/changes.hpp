#pragma once
// The differences between two versions of the configuration, pool by pool. Pure.

#include <string>
#include <vector>

#include "ipc/address.hpp"
#include "supervisor/config/config.hpp"

namespace reeve::supervisor {

/// Pools by what is to be done about them. A pool in none of the lists is untouched.
struct PoolChanges {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> scaled;  ///< only the number of workers differs
  /// The workers may stay: what differs concerns the master alone (and their number, perhaps).
  std::vector<std::string> reconfigured;
  std::vector<std::string> rolled;  ///< anything else differs, or an address that it listens on

  bool operator==(const PoolChanges&) const = default;
};

/// A pool as far as a change of it matters.
struct PoolVersion {
  PoolConfig config;
  std::vector<ipc::Address> addresses;  ///< where it listens, in order
};

/// The listeners that a pool names.
[[nodiscard]] std::vector<ListenerConfig> listeners_of(const Config& config,
                                                       const PoolConfig& pool);

/// The pools that a configuration asks for.
[[nodiscard]] std::vector<PoolVersion> versions_in(const Config& config);

[[nodiscard]] PoolChanges compare(const std::vector<PoolVersion>& before,
                                  const std::vector<PoolVersion>& after);

/// Why a change needs a new master; empty when it does not.
[[nodiscard]] std::string needs_restart(const SupervisorConfig& before,
                                        const SupervisorConfig& after);

}  // namespace reeve::supervisor
