#pragma once
// What one generation of a pool is started with: its configuration, and what was looked up for it
// once. A value; starts nothing. Loop thread.

#include <memory>

#include "supervisor/config/config.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/process/ready_log.hpp"

namespace reeve::supervisor {

/// One deployed version of a pool: what its generation is started with.
struct Deployment {
  PoolConfig config;
  ListenerSet listeners;                             ///< those of config.listen, in order
  std::shared_ptr<const ReadyLogMatcher> ready_log;  ///< only with the rule ReadyLog

  [[nodiscard]] static Deployment of(PoolConfig config, const ListenerSet& all);
  /// The same with its listeners found already.
  [[nodiscard]] static Deployment with(PoolConfig config, ListenerSet own);
};

}  // namespace reeve::supervisor
