#include "supervisor/config/changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace reeve::supervisor {
namespace {

const PoolVersion* find(const std::vector<PoolVersion>& versions, const std::string& name) {
  const auto found = std::ranges::find_if(
      versions, [&name](const PoolVersion& version) { return version.config.spec.name == name; });
  return found == versions.end() ? nullptr : &*found;
}

/// `pool` with those rules of `other` that concern the master alone. The number of workers is no
/// rule, and with `ready` the sockets of a listener may change.
PoolConfig with_rules_of(PoolConfig pool, const PoolConfig& other) {
  PoolSpec spec = other.spec;
  spec.workers = pool.spec.workers;
  spec.ready_after = pool.spec.ready_after;
  pool.spec = std::move(spec);
  // One that binds ports has to leave them first, and one that does not must not.
  if (binds_ports(pool) == binds_ports(other)) pool.health = other.health;
  pool.stop = other.stop;
  pool.reload_signal = other.reload_signal;
  pool.after = other.after;
  pool.autostart = other.autostart;
  pool.watchdog_signal = other.watchdog_signal;
  return pool;
}

}  // namespace

std::vector<ListenerConfig> listeners_of(const Config& config, const PoolConfig& pool) {
  std::vector<ListenerConfig> listeners;
  for (const std::string& name : pool.listen) {
    const auto found = std::ranges::find(config.listeners, name, &ListenerConfig::name);
    if (found != config.listeners.end()) listeners.push_back(*found);
  }
  return listeners;
}

std::vector<PoolVersion> versions_in(const Config& config) {
  std::vector<PoolVersion> versions;
  for (const PoolConfig& pool : config.pools) {
    PoolVersion& version = versions.emplace_back(PoolVersion{pool, {}});
    for (const ListenerConfig& listener : listeners_of(config, pool)) {
      version.addresses.push_back(listener.address);
    }
  }
  return versions;
}

PoolChanges compare(const std::vector<PoolVersion>& before, const std::vector<PoolVersion>& after) {
  PoolChanges changes;
  for (const PoolVersion& old : before) {
    const std::string& name = old.config.spec.name;
    if (find(after, name) == nullptr) changes.removed.push_back(name);
  }
  for (const PoolVersion& version : after) {
    const std::string& name = version.config.spec.name;
    const PoolVersion* old = find(before, name);
    if (old == nullptr) {
      changes.added.push_back(name);
      continue;
    }
    PoolConfig same_size = old->config;
    same_size.spec.workers = version.config.spec.workers;
    same_size.run_as = version.config.run_as;  // No change of the file, and said in any order.
    if (old->addresses != version.addresses ||
        with_rules_of(same_size, version.config) != version.config) {
      changes.rolled.push_back(name);
    } else if (same_size != version.config) {
      changes.reconfigured.push_back(name);
    } else if (old->config.spec.workers != version.config.spec.workers) {
      changes.scaled.push_back(name);
    }
  }
  return changes;
}

std::string needs_restart(const SupervisorConfig& before, const SupervisorConfig& after) {
  const auto refuse = [](std::string_view key) {
    return fmt::format(
        "supervisor.{} cannot change while the master runs; nothing was changed. Put it back, or "
        "restart "
        "the master",
        key);
  };
  if (before.name != after.name) return refuse("name");
  if (before.runtime_dir != after.runtime_dir) return refuse("runtime_dir");
  if (before.log_format != after.log_format) return refuse("log.format");
  return "";
}

}  // namespace reeve::supervisor
