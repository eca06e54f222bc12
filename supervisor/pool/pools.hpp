#pragma once
// All pools of the master, and what concerns more than one of them: whose pid it is, whether a
// listener is still needed, when a removed pool may go. Loop thread.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/notify.hpp"
#include "supervisor/control/names.hpp"
#include "supervisor/control/pending_commands.hpp"
#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {

class Pools : private PoolObserver {
 public:
  struct Callbacks {
    std::function<void()> on_change;     ///< a slot or a process is not what it was
    std::function<void()> read_pending;  ///< takes the notifications that have come
    /// Something happened to the pool, or to one slot of it.
    std::function<void(std::string_view kind, const PoolRunner& pool, std::optional<int> slot,
                       const std::string& text)>
        on_event;
    /// Nothing is left of a removed pool, or of a rehearsal: it is destroyed next.
    std::function<void(const PoolRunner& pool)> on_forgotten;
    /// Puts a question to a worker from outside.
    std::function<void(const ProbeQuestion& question, OnProbeAnswer on_answer)> ask;
  };

  Pools(ipc::uv::Loop& loop, Log& log, const Launcher& launcher, PendingCommands& pending,
        Callbacks callbacks);

  /// Removed pools let go of their listeners at once: somebody wants the addresses.
  void hurry_removed();

  /// A worker off-traffic: a pool of its own, which no name finds, gone once nothing is left of it.
  /// Null when there is one of that name.
  [[nodiscard]] PoolRunner* add_rehearsal(Deployment deployment);
  [[nodiscard]] const std::vector<std::unique_ptr<PoolRunner>>& rehearsals() const {
    return rehearsals_;
  }

  /// A new pool, which starts nothing by itself.
  PoolRunner& add(Deployment deployment);
  /// What cannot be handed over because it has no verdict yet; empty: nothing.
  [[nodiscard]] std::string at_work() const;
  [[nodiscard]] std::vector<PoolRunner::State> state(HandedListeners& listeners) const;
  void adopt(const std::vector<PoolRunner::State>& pools, const ListenerSet& listeners);
  [[nodiscard]] int workers() const;
  /// A command to one pool that nobody waits for: its failure is logged.
  [[nodiscard]] CommandId unattended_command();

  /// Stops the pool, and forgets it once nothing is left of it: then the command is answered.
  void remove(CommandId command, PoolRunner& pool);
  /// A verdict on each pool that was removed and is not gone yet.
  [[nodiscard]] Verdicts still_leaving() const;

  [[nodiscard]] const std::vector<std::unique_ptr<PoolRunner>>& all() const { return pools_; }
  [[nodiscard]] PoolRunner* find(const std::string& name) const;
  [[nodiscard]] std::vector<KnownPool> known() const;
  /// Every listener of every version of a pool that may run.
  [[nodiscard]] ListenerSet listeners() const;

  // From the kernel.
  void conclude(pid_t pid);
  void exited(pid_t pid, const Death& death);
  void on_message(const ipc::Notification& notification);

  /// Ends every grace that is running, of removed pools too.
  void end_grace();

  /// To be called after changes: forgets removed pools, which cannot go from their own calls.
  void sweep();

  /// Why so many workers of a pool with a `port` cannot each have one; empty when they can.
  [[nodiscard]] std::string refuse_ports(const PoolRunner& pool, int workers) const;
  [[nodiscard]] bool quiet() const;
  /// When the start of all pools counts as over. A pool that waits for another has not begun, and
  /// is no longer waited for when the start of that one is over.
  [[nodiscard]] std::optional<TimePoint> start_ends_at() const;
  [[nodiscard]] int workers_killed() const { return workers_killed_; }
  /// "web 2/2 running; jobs 1/1 running"
  [[nodiscard]] std::string summary() const;
  /// "web:0 (pid 1234), ..." of every process that is left.
  [[nodiscard]] std::string survivors() const;
  /// SIGKILL to every process that is left, whatever its pool still grants it.
  void kill_survivors() const;
  /// The longest grace of any pool.
  [[nodiscard]] Duration longest_grace() const;
  /// When the last of the deadlines that are running ends: of starts, drains and back-offs.
  [[nodiscard]] std::optional<TimePoint> latest_deadline() const;

 private:
  void finished(CommandId command, Verdicts verdicts) override;
  void changed() override { callbacks_.on_change(); }
  void read_pending() override { callbacks_.read_pending(); }
  void killed() override { ++workers_killed_; }
  void happened(std::string_view kind, const PoolRunner& pool, std::optional<int> slot,
                const std::string& text) override;
  bool used_elsewhere(const PoolRunner& pool, const Listener& listener) override;
  void ask(const ProbeQuestion& question, OnProbeAnswer on_answer) override {
    callbacks_.ask(question, std::move(on_answer));
  }
  [[nodiscard]] bool is_being_removed(const std::string& name) const;
  void tell_of_lost_sender(const ipc::Notification& notification);
  void pass_leases_on();

  ipc::uv::Loop& loop_;
  Log& log_;
  const Launcher& launcher_;
  PendingCommands& pending_;
  Callbacks callbacks_;
  std::vector<std::unique_ptr<PoolRunner>> pools_;  // In the order of the configuration.
  struct Removal {
    CommandId command;
    Verdicts verdicts;
  };
  std::map<const PoolRunner*, Removal> removals_;     // Until nothing of the pool is left.
  std::vector<std::unique_ptr<PoolRunner>> removed_;  // Still draining.
  std::vector<std::unique_ptr<PoolRunner>> rehearsals_;
  std::random_device seeds_;
  std::optional<TimePoint> told_of_lost_sender_;
  int workers_killed_ = 0;
};

}  // namespace reeve::supervisor
