#pragma once
// A worker's whole life off-traffic: it boots in the configuration that the file has now, on
// listeners that nobody knows, is drained once it is ready, and its pool is untouched. Everything
// else (deadlines, kills, last words) is what any pool of one worker does. Loop thread.

#include <string>

#include "supervisor/control/pending_commands.hpp"
#include "supervisor/deploy/config_file.hpp"
#include "supervisor/pool/pools.hpp"

namespace reeve::supervisor {

class Rehearsals {
 public:
  /// Unix listeners are made in `runtime_dir`.
  Rehearsals(ipc::uv::Loop& loop, Pools& pools, PendingCommands& pending, ConfigFile& file,
             std::string runtime_dir)
      : loop_(loop),
        pools_(pools),
        pending_(pending),
        file_(file),
        runtime_dir_(std::move(runtime_dir)) {}

  /// Tells each step, then answers with one verdict on "web:rehearsal".
  void run(const std::string& pool, const PoolRunner::OnProgress& on_step,
           const PendingCommands::OnVerdicts& on_verdicts);

 private:
  struct Rehearsal {
    PoolRunner& pool;
    TimePoint begun_at;
    PendingCommands::OnVerdicts on_verdicts;
  };
  /// What the file says of the pool, made into a pool of one worker that is not restarted.
  [[nodiscard]] ipc::Result<Deployment> prepare(const std::string& pool,
                                                const Config& config) const;
  void begin(const std::string& pool, ipc::Result<Deployment> deployment,
             const PoolRunner::OnProgress& on_step, const PendingCommands::OnVerdicts& on_verdicts);
  [[nodiscard]] ipc::Result<SharedListener> private_twin(const ListenerConfig& listener,
                                                         const std::string& pool) const;
  void started(const Rehearsal& rehearsal, Verdicts verdicts);
  void stopped(const Rehearsal& rehearsal, Duration ready_after, TimePoint drained_at,
               const Verdicts& verdicts) const;

  ipc::uv::Loop& loop_;
  Pools& pools_;
  PendingCommands& pending_;
  ConfigFile& file_;
  std::string runtime_dir_;
};

}  // namespace reeve::supervisor
