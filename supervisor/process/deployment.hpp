#pragma once
// What one generation of a pool is started with: its configuration, and what was looked up for it
// once. A value; starts nothing. Loop thread.

#include <cstddef>
#include <memory>
#include <vector>

#include "ipc/format/fields.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/core/types.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/process/ready_log.hpp"

namespace reeve::supervisor {

/// One deployed version of a pool: what its generation is started with.
struct Deployment {
  struct State {
    Generation generation{};
    PoolConfig config;
    std::vector<std::size_t> listeners;  ///< places in the list that is handed over beside it
  };

  PoolConfig config;
  ListenerSet listeners;                             ///< those of config.listen, in order
  std::shared_ptr<const ReadyLogMatcher> ready_log;  ///< only with the rule ReadyLog

  [[nodiscard]] static Deployment of(PoolConfig config, const ListenerSet& all);
  /// The same with its listeners found already.
  [[nodiscard]] static Deployment with(PoolConfig config, ListenerSet own);
};
REEVE_FIELDS(Deployment::State, generation, config, listeners)

}  // namespace reeve::supervisor
