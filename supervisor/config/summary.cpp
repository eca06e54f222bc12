// What `reeve check` says of a configuration without errors.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "supervisor/config/config.hpp"

namespace reeve::supervisor {
namespace {

bool is_used(const Config& config, const std::string& listener) {
  return std::ranges::any_of(config.pools, [&](const PoolConfig& pool) {
    return std::ranges::find(pool.listen, listener) != pool.listen.end();
  });
}

}  // namespace

std::string summary(const Config& config) {
  std::string lines;
  for (const ListenerConfig& listener : config.listeners) {
    const bool used = is_used(config, listener.name);
    lines += fmt::format("  listen.{}: {}{}\n", listener.name, to_string(listener.address),
                         used ? "" : ", but no pool accepts its connections");
  }
  for (const PoolConfig& pool : config.pools) {
    const int workers = pool.spec.workers;
    lines += fmt::format("  pool.{}: {} {} of {}\n", pool.spec.name, workers,
                         workers == 1 ? "worker" : "workers", fmt::join(pool.command, " "));
  }
  return lines;
}

}  // namespace reeve::supervisor
