// The only place that makes a deployment: with the listeners and the matcher that its file names.

#include "supervisor/process/deployment.hpp"

#include <string>
#include <utility>
#include <variant>

namespace reeve::supervisor {

Deployment Deployment::of(PoolConfig config, const ListenerSet& all) {
  ListenerSet own;
  for (const std::string& name : config.listen) {
    own.push_back(find_listener(all, name));  // The configuration was checked.
  }
  return with(std::move(config), std::move(own));
}

Deployment Deployment::with(PoolConfig config, ListenerSet own) {
  Deployment deployment{
      .config = std::move(config), .listeners = std::move(own), .ready_log = nullptr};
  if (const auto* rule = std::get_if<ReadyLog>(&deployment.config.ready)) {
    deployment.ready_log = std::make_shared<const ReadyLogMatcher>(rule->pattern);
  }
  return deployment;
}

}  // namespace reeve::supervisor
