#pragma once
// The end of the master: every pool is stopped, and the end is reached whatever the workers do.
// Loop thread.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ipc/base/uv.hpp"
#include "supervisor/control/pending_commands.hpp"
#include "supervisor/pool/pools.hpp"

namespace reeve::supervisor {

class Shutdown {
 public:
  struct Callbacks {
    std::function<Duration()> delay;            ///< SupervisorConfig::stop_delay
    std::function<void(int exit_code)> on_end;  ///< called once
  };
  Shutdown(ipc::uv::Loop& loop, Log& log, Pools& pools, PendingCommands& pending,
           Callbacks callbacks);

  [[nodiscard]] bool running() const { return running_; }
  /// Until the drain begins; none: it has begun.
  [[nodiscard]] std::optional<Duration> delayed_for() const;

  /// The first call drains every worker within its grace, after the delay; a second one ends the
  /// delay, or else the grace, unless it comes so soon that it must be the same one: timeout(1)
  /// signals the process, then its whole group.
  void request(const std::string& why);
  /// Stops with no grace at all.
  void request_now(const std::string& why);
  /// The same as request() for a client, who is answered at the very end.
  void request(const std::string& why, PendingCommands::OnVerdicts on_end);

  /// The exit code, however the end goes: the reason for it counts more.
  void exit_with(int code) { exit_code_ = code; }

  /// To be called after changes: stops who need not wait any longer, notices when nothing is left.
  void check();

 private:
  void begin(const std::string& why, Duration delay);
  void begin_drain();
  /// Stops every pool that no other one is still up `after`; `all`: without an order.
  void stop_pools(bool all);
  [[nodiscard]] bool is_needed(const PoolRunner& pool) const;
  /// A worker that can still end in time gets that time; the others are killed, then given up.
  void on_limit();
  void end(bool clean);

  ipc::uv::Loop& loop_;
  Log& log_;
  Pools& pools_;
  PendingCommands& pending_;
  std::function<Duration()> delay_;
  std::function<void(int)> on_end_;
  std::vector<PendingCommands::OnVerdicts> waiting_;
  Verdicts verdicts_;
  std::set<std::string> stopped_;  // Pools that were told to stop.
  std::optional<int> exit_code_;
  bool running_ = false;
  int killed_before_ = 0;
  TimePoint begun_at_;
  TimePoint last_limit_;  // No deadline of a worker moves limit_ beyond.
  bool survivors_killed_ = false;
  TimePoint drain_at_;
  ipc::uv::Timer delay_timer_;  // Runs until the drain begins.
  ipc::uv::Timer limit_;
};

}  // namespace reeve::supervisor
