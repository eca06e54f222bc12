#pragma once
// Runs one pool: tells its core what happened, carries out what the core orders, and owns the one
// timer that the core asks for. Decides nothing itself, except what concerns listeners: they are
// opened before the pool starts and let go once it has stopped. Loop thread.

#include <sys/types.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipc/base/uv.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/shell/accept_queue.hpp"
#include "supervisor/shell/launcher.hpp"
#include "supervisor/shell/log.hpp"
#include "supervisor/shell/process.hpp"
#include "supervisor/shell/seating.hpp"
#include "supervisor/shell/tail_buffer.hpp"
#include "supervisor/shell/verdicts.hpp"

namespace reeve::supervisor {

class PoolRunner;

/// What a pool tells the master. It may command the pool in the call, not destroy it.
class PoolObserver {
 public:
  virtual ~PoolObserver() = default;
  virtual void finished(CommandId command, Verdicts verdicts) = 0;
  virtual void changed() = 0;  ///< a slot, or a process, is not what it was
  virtual void killed() = 0;   ///< a worker had to be killed
  /// Takes the notifications that have come but were not read yet.
  virtual void read_pending() = 0;
  /// Whether a pool other than this one still serves from the listener.
  virtual bool used_elsewhere(const PoolRunner& pool, const Listener& listener) = 0;
};

class PoolRunner : private ProcessObserver {
 public:
  struct Surroundings {
    ipc::uv::Loop& loop;
    Log& log;
    const Launcher& launcher;
    PoolObserver& observer;
  };

  PoolRunner(Surroundings surroundings, Deployment deployment, std::uint32_t seed);
  ~PoolRunner() override;
  PoolRunner(const PoolRunner&) = delete;
  PoolRunner& operator=(const PoolRunner&) = delete;

  // Commands (pool_commands.cpp). Each is answered by exactly one PoolObserver::finished. No slots:
  // the whole pool.
  void start(CommandId command, const SlotSet& slots);
  void stop(CommandId command, const SlotSet& slots);
  void roll(CommandId command, const SlotSet& slots);
  void hard_restart(CommandId command, const SlotSet& slots);
  /// A reload that finds the configured number unchanged leaves it so.
  void scale(CommandId command, int workers);
  /// The configured number is another one now: scales, and counts as deployed.
  void reconfigure_workers(CommandId command, int workers);
  /// Rolls to another version, whose listeners are open. It becomes deployment() when the roll
  /// succeeds.
  void deploy(CommandId command, Deployment next);
  /// Ends every grace that is running.
  void end_grace();

  // What the kernel said of a process. Pids that are not of this pool are ignored.
  [[nodiscard]] Process* find(pid_t pid) const;
  void conclude(pid_t pid) const;              ///< it is a zombie
  void exited(pid_t pid, const Death& death);  ///< it was reaped

  [[nodiscard]] const Pool& pool() const { return pool_; }
  [[nodiscard]] const std::string& name() const { return pool_.spec().name; }
  [[nodiscard]] const Deployment& deployment() const { return deployments_.at(pool_.generation()); }
  [[nodiscard]] const Process* find(WorkerId worker) const;
  [[nodiscard]] TailBuffer& tail(int slot) { return tails_[slot]; }
  /// Every slot has a worker that is ready.
  [[nodiscard]] bool all_running() const;
  /// No slot serves, or is to serve again.
  [[nodiscard]] bool is_down() const;
  /// "web 2/2 running"
  [[nodiscard]] std::string summary() const;

 private:
  struct LastWords {
    WorkerId worker;
    std::vector<std::string> lines;
  };

  // ProcessObserver
  void executed(Process& process) override;
  void said(Process& process, const ipc::WorkerMessage& message) override;
  void printed(Process& process, Stream stream, std::string_view line) override;

  // pool_runner.cpp: the core and its orders.
  void feed(Event event);
  void arm_timer();
  void on_timer();
  void patrol();
  void perform(const Fork& order);
  void perform(const Drain& order);
  void drain(Process& process, DrainKind kind);
  void perform(const Kill& order);
  void perform(const Changed& order);
  void perform(const Finished& order);
  void perform(const Watch& order);
  void perform(const Judge& order);
  [[nodiscard]] std::string name_of(int slot) const { return process_name(name(), slot); }
  [[nodiscard]] std::vector<std::string> last_lines(WorkerId worker) const;

  // pool_commands.cpp: the listeners over stop and start.
  /// Listeners are open, or the command is answered with the reason.
  [[nodiscard]] bool open_door(CommandId command);
  void quiesce_then_stop(CommandId command, const SlotSet& slots);
  void hurry_quiesce();
  void close_door();
  [[nodiscard]] ListenerSet own_listeners() const;

  ipc::uv::Loop& loop_;
  Log& log_;
  const Launcher& launcher_;
  PoolObserver& observer_;
  Pool pool_;
  std::map<Generation, Deployment> deployments_;  // The current one, and the one being rolled to.
  std::map<WorkerId, std::unique_ptr<Process>> processes_;
  std::unordered_map<pid_t, Process*> by_pid_;
  std::map<int, TailBuffer> tails_;
  std::deque<LastWords> last_words_;  // Of the dead, until a verdict needs them.
  std::optional<pid_t> dead_;         // Whose exit is being told to the core.
  bool death_told_ = false;           // Its slot's change has named it in the log.
  std::deque<Event> events_;
  bool feeding_ = false;
  std::unique_ptr<AcceptQueueWait> quiesce_;
  Seating seating_;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::supervisor
