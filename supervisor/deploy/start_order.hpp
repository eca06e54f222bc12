#pragma once
// `after`: which pools may start, given who is up, and which have to wait. Applies where pools are
// started together: at the start of the master and when the configuration brings new ones. A
// command of the operator for a pool that waits overrules it. Loop thread.

#include <string>

#include "supervisor/control/pending_commands.hpp"
#include "supervisor/pool/pools.hpp"

namespace reeve::supervisor {

/// Why the pool may not start yet, "waits for db-proxy"; empty when it may. A one-shot has to have
/// ended with 0: one with restart "never" or "on-failure" that does not say itself when it is
/// ready.
[[nodiscard]] std::string reason_to_wait(const PoolRunner& pool, const Pools& pools);

class StartOrder {
 public:
  StartOrder(Log& log, Pools& pools, PendingCommands& pending)
      : log_(log), pools_(pools), pending_(pending) {}

  /// Starts the pool when those that it is after are up. When it has to wait, the command is
  /// answered at once, and status shows what it waits for.
  void start(PoolRunner& pool, CommandId command);

  /// To be called after changes: starts who need not wait any longer.
  void check();

 private:
  void hold(PoolRunner& pool, std::string why);

  Log& log_;
  Pools& pools_;
  PendingCommands& pending_;
};

}  // namespace reeve::supervisor
