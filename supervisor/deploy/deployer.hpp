#pragma once
// Deployments of pools, one at a time each: a requester takes a turn at the pool, and the verdict
// of its command ends it. Knows no socket. Loop thread.

#include <functional>
#include <optional>
#include <string>

#include "supervisor/control/pending_commands.hpp"
#include "supervisor/deploy/config_file.hpp"
#include "supervisor/deploy/deploy_queue.hpp"
#include "supervisor/pool/pools.hpp"

namespace reeve::supervisor {

class Deployer {
 public:
  /// `wake` is to see to it that advance() is called soon, and not from inside the call.
  Deployer(ipc::uv::Loop& loop, Pools& pools, PendingCommands& pending, ConfigFile& file,
           std::function<void()> wake);

  /// Gives the pool one command, which answers `part`.
  using Begin = std::function<void(PoolRunner& pool, CommandId part)>;
  /// Calls `begin` when it is the requester's turn at the pool. Settles one part of `command`, also
  /// when the turn is refused or the pool is gone by then.
  void take_turn(const std::string& pool, const Requester& requester, IfBusy if_busy,
                 CommandId command, Begin begin);

  /// Rolls to what the file says of the pool by then, even when nothing differs: the program may.
  void deploy(const std::string& pool, const Requester& requester, IfBusy if_busy,
              CommandId command, std::optional<Canary> canary, PoolRunner::OnProgress on_progress);
  /// Rolls to the version before; a second one comes back.
  void rollback(const std::string& pool, const Requester& requester, IfBusy if_busy,
                CommandId command, PoolRunner::OnProgress on_progress);

  [[nodiscard]] DeployQueue& queue() { return queue_; }

 private:
  [[nodiscard]] ipc::Result<Deployment> next_version(const std::string& pool, const Config& config);
  void refuse(const PoolRunner& pool, CommandId part, std::string why);
  void settle_removed(const std::string& pool, CommandId part);

  ipc::uv::Loop& loop_;
  Pools& pools_;
  PendingCommands& pending_;
  ConfigFile& file_;
  DeployQueue queue_;
};

}  // namespace reeve::supervisor
