#include "supervisor/process/deployment.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

namespace reeve::supervisor {
namespace {

/// Looked up once: the databases of users may be slow.
ipc::Result<std::optional<User>> user_of(const PoolConfig& pool) {
  if (pool.user.empty()) return std::nullopt;
  auto found = find_user(pool.user);
  if (found) return std::optional(std::move(*found));
  return ipc::failure(fmt::format("pool.{}.user: {}", pool.spec.name, found.error()));
}

}  // namespace

Deployment Deployment::of(PoolConfig config, const ListenerSet& all) {
  ListenerSet own;
  for (const std::string& name : config.listen) {
    own.push_back(find_listener(all, name));  // The configuration was checked.
  }
  return with(std::move(config), std::move(own));
}

Deployment Deployment::with(PoolConfig config, ListenerSet own) {
  Deployment deployment{.config = std::move(config),
                        .listeners = std::move(own),
                        .ready_log = nullptr,
                        .user = std::nullopt};
  deployment.user = user_of(deployment.config);
  if (const auto* rule = std::get_if<ReadyLog>(&deployment.config.ready)) {
    deployment.ready_log = std::make_shared<const ReadyLogMatcher>(rule->pattern);
  }
  return deployment;
}

}  // namespace reeve::supervisor
