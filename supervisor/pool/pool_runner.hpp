#pragma once
// Runs one pool: tells its core what happened, carries out what the core orders, and owns the one
// timer that the core asks for. Decides nothing itself: the core does, and what is kept beside it
// (versions, listeners, the lease, deaths, the watch over canaries) has a part each. Loop thread.

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/format/fields.hpp"
#include "supervisor/control/verdicts.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/core/process_name.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/log/log.hpp"
#include "supervisor/log/tail_buffer.hpp"
#include "supervisor/pool/canary_watch.hpp"
#include "supervisor/pool/connection_steering.hpp"
#include "supervisor/pool/deaths.hpp"
#include "supervisor/pool/pool_listeners.hpp"
#include "supervisor/pool/probing.hpp"
#include "supervisor/pool/schedule_lease.hpp"
#include "supervisor/pool/versions.hpp"
#include "supervisor/process/launcher.hpp"
#include "supervisor/process/probe_command.hpp"
#include "supervisor/process/process.hpp"

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
  /// A line for whoever follows the events: about the pool, or one slot of it. `kind` is a stable
  /// word: "state", "exit", "deploy", "lease".
  virtual void happened(std::string_view kind, const PoolRunner& pool, std::optional<int> slot,
                        const std::string& text) = 0;
  /// Whether a pool other than this one still serves from the listener.
  virtual bool used_elsewhere(const PoolRunner& pool, const Listener& listener) = 0;
  /// Puts a question to a worker from outside.
  virtual void ask(const ProbeQuestion& question, OnProbeAnswer on_answer) = 0;
};

class PoolRunner : private ProcessObserver {
 public:
  struct Dependencies {
    ipc::uv::Loop& loop;
    Log& log;
    const Launcher& launcher;
    PoolObserver& observer;
  };

  /// What a pool hands to the next master. Each part has its fields, spread out.
  struct State {
    bool removed = false;  ///< from the configuration; what is left of it drains
    PoolState state;
    ScheduleLease::State lease;
    std::vector<Deployment::State> deployments;  // Versions::State
    std::optional<Deployment::State> previous;
    std::optional<Deployment::State> adoption;
    std::vector<Process::State> processes;
    std::map<int, std::string> tails;  ///< of each slot: its last output
    ConnectionSteering::State kept_seats;
    std::vector<Deaths::State::Report> deaths;  // Deaths::State
    std::map<int, Death> last_deaths;
    std::map<int, Deaths::Unasked> unasked_deaths;
    std::string held_for;  ///< why it has not started yet: it waits for another pool
  };

  PoolRunner(Dependencies dependencies, Deployment deployment, std::uint32_t seed);
  /// Goes on where another master has left it.
  PoolRunner(Dependencies dependencies, const State& state, const ListenerSet& listeners,
             std::uint32_t seed);
  ~PoolRunner() override;
  PoolRunner(const PoolRunner&) = delete;
  PoolRunner& operator=(const PoolRunner&) = delete;

  // Commands (pool_runner_commands.cpp). Each is answered by exactly one PoolObserver::finished. No
  // slots: the whole pool.
  void start(CommandId command, const SlotSet& slots);
  void stop(CommandId command, const SlotSet& slots);
  /// `on_started` is called for each slot whose successor serves, until the verdict.
  using OnStarted = std::function<void(const ipc::control::Verdict& verdict)>;
  void roll(CommandId command, const SlotSet& slots, OnStarted on_started = {});
  void hard_restart(CommandId command, const SlotSet& slots);
  /// A reload that finds the configured number unchanged leaves it so.
  void scale(CommandId command, int workers);
  /// The configured number is another one now: scales, and counts as deployed.
  void reconfigure_workers(CommandId command, int workers);
  /// The configured rules are others now, and perhaps the number of workers; nobody is replaced for
  /// that.
  void reconfigure(CommandId command, const PoolConfig& config);
  /// What a deployment tells of itself, a line at a time, until its verdict.
  using OnProgress = std::function<void(const std::string& line)>;
  /// Rolls to another version, and opens its listeners where they are closed. It becomes
  /// deployment() when the roll succeeds, and the one before it previous().
  void deploy(CommandId command, Deployment next, std::optional<Canary> canary = {},
              OnProgress on_progress = {});
  /// Takes another version over without starting anything; of a pool that is down, and as soon as
  /// nothing of it is left.
  void adopt(Deployment next);
  /// All of it is stopped in a moment: native workers say of themselves that they are not ready.
  void announce_stop();
  /// Ends the watch over a canary, whose deployment fails with `why`. False: none is watched.
  [[nodiscard]] bool call_off_canary(const std::string& why);
  /// Ends every grace that is running.
  void end_grace();
  /// Stops waiting for the queue of its listeners to become empty, if it does.
  void hurry_quiesce() { listeners_.hurry(); }
  /// Tells every step of its workers from now on: a rehearsal.
  void tell_steps(OnProgress on_step) { on_step_ = std::move(on_step); }
  /// How the last worker of the slot ended.
  [[nodiscard]] std::optional<Death> last_death(int slot) const { return deaths_.last(slot); }

  // What the kernel said of a process. Pids that are not of this pool are ignored.
  [[nodiscard]] Process* find(pid_t pid) const;
  void conclude(pid_t pid) const;              ///< it is a zombie
  void exited(pid_t pid, const Death& death);  ///< it was reaped

  [[nodiscard]] const Pool& pool() const { return pool_; }
  [[nodiscard]] const std::string& name() const { return pool_.spec().name; }
  [[nodiscard]] const Deployment& deployment() const { return versions_.at(pool_.generation()); }
  /// The version that counts: one that waits to be adopted, or deployment().
  [[nodiscard]] const Deployment& intended() const {
    return versions_.waiting() != nullptr ? *versions_.waiting() : deployment();
  }
  /// What a rollback returns to: the version before the last that differed; null when there is
  /// none. Listeners that no other version needs are closed meanwhile.
  [[nodiscard]] const Deployment* previous() const { return versions_.previous(); }
  /// Every listener of every version that may run.
  [[nodiscard]] ListenerSet listeners() const { return versions_.listeners(); }
  /// What a deployment is doing, "watching its canary"; empty when there is none.
  [[nodiscard]] std::string activity() const;
  [[nodiscard]] Process* find(WorkerId worker) const;
  /// By when it was started. Drained ones of old generations, too.
  [[nodiscard]] const std::map<WorkerId, std::unique_ptr<Process>>& processes() const {
    return processes_;
  }
  [[nodiscard]] TailBuffer& tail(int slot) { return tails_.of(slot); }
  [[nodiscard]] const DeathReports& deaths() const { return deaths_.reports(); }
  [[nodiscard]] const Deaths::Unasked* unasked_death(int slot) const {
    return deaths_.unasked(slot);
  }
  /// How many connections wait at the worker's own sockets, if it serves and accepts none of them.
  [[nodiscard]] std::optional<int> waiting_for(const Process& process) const;
  /// Every slot has a worker that is ready, or has done its work and is not to be restarted.
  [[nodiscard]] bool is_up() const;
  /// When its first start counts as over, with or without success: each slot is up, or needs an
  /// operator, or has failed and its start_timeout is over. none: not before something happens.
  [[nodiscard]] std::optional<TimePoint> start_ends_at() const;
  /// "; web:1 is BACKOFF: exited with code 1" for each slot that is neither up nor done.
  [[nodiscard]] std::string not_up() const;
  /// It is to start, and waits for another pool; `why` is shown until a command comes for it.
  void hold(std::string why);
  /// Empty when it waits for nothing.
  [[nodiscard]] const std::string& held_for() const { return held_for_; }
  /// No slot serves, or is to serve again.
  [[nodiscard]] bool is_down() const;
  /// It is_down(), or is told to be once the queue of its listeners is empty.
  [[nodiscard]] bool is_going_down() const { return listeners_.emptying() || is_down(); }
  /// Nothing is left of it, not even a command that waits.
  [[nodiscard]] bool is_gone() const { return pool_.quiet() && !listeners_.emptying(); }
  /// No worker is left and none will be started by itself, though nobody has asked for that: a slot
  /// gave up, or has ended for good. Its listeners are closed, so that clients are refused.
  [[nodiscard]] bool is_out_of_service() const;
  /// A removed pool of the same name is not gone yet, and one of its workers may hold the lease:
  /// this pool grants none before it has inherited it.
  void wait_for_lease() { lease_.wait(); }
  void inherit_lease(const PoolRunner& removed) { lease_.inherit(removed.lease_); }
  /// What has no verdict yet, as "a rolling restart of web runs": so it cannot be handed over.
  /// Empty: nothing.
  [[nodiscard]] std::string at_work() const;
  /// All of it, while nothing is at_work(). Adds the listeners that it has.
  [[nodiscard]] State state(HandedListeners& listeners) const;
  /// "web 2/2 running"
  [[nodiscard]] std::string summary() const;

 private:
  // ProcessObserver
  void executed(Process& process) override;
  void on_message(Process& process, const ipc::WorkerMessage& message) override;
  void line_lost(Process& process) override;
  void printed(Process& process, Stream stream, std::string_view line) override;
  void printed_part(Process& process, std::string_view part) override;
  void look_for_ready(const Process::Identity& who, std::string_view line);

  // pool_runner.cpp: the core and its orders.
  void feed(Event event);
  void forget_tails();
  void look_at_what_is_left();
  [[nodiscard]] std::string find_daemon(Process& process, const Death& death,
                                        const Worker* worker) const;
  bool find_detached(Process& process) const;
  [[nodiscard]] bool lives(Process& process) const;
  void look_below_a_shell(const Process& process);
  void look_who_accepts();
  void arm_timer();
  void on_timer();
  void measure_workers();
  void perform(const Fork& order);
  void perform(const Drain& order);
  void perform(const TellToReload& order);
  void drain(Process& process, DrainKind kind);
  [[nodiscard]] StopRule stop_rule_of(const Process& process) const;
  void perform(const Changed& order);
  void perform(const Replaced& order);
  void perform(const Finished& order);
  void perform(const Watch& order);
  void perform(const Judge& order);
  void perform(const Kill& order);
  /// Its slot shows it.
  [[nodiscard]] bool is_current(const Process::Identity& who) const;
  /// What it was started with; null when that version is forgotten.
  [[nodiscard]] const Deployment* deployment_of(const Process& process) const {
    return versions_.find(process.identity().generation);
  }
  /// The rule by which a worker was not ready in time, and a remedy.
  [[nodiscard]] std::string what_was_waited_for(const Process& process, const Worker& worker) const;
  void note_unasked(int index, const DeathFacts& facts);
  void forget_restarts(const SlotSet& slots);
  [[nodiscard]] std::string name_of(int slot) const { return pool_.name_of(slot); }
  [[nodiscard]] std::vector<std::string> last_lines(WorkerId worker) const;

  /// Listeners are open, or the command is answered with the reason.
  [[nodiscard]] bool open_listeners_for(CommandId command, const ListenerSet& listeners);
  void empty_listeners_then_stop(CommandId command, const SlotSet& slots);
  void close_listeners() { listeners_.close(deployment().listeners); }

  // pool_runner_probes.cpp: who is asked from outside.
  void update_probes();
  void ask(WorkerId worker, const Probe& probe, OnProbeAnswer on_answer);
  void on_probe_verdict(WorkerId worker, ProbeState::Verdict verdict);

  // The versions that come and go.
  /// Starts the version that waits, if there is one.
  [[nodiscard]] bool deploy_what_waits(CommandId command);
  void versions_settled();
  void adopt_when_gone();

  // What the parts ask, and are told.
  [[nodiscard]] ScheduleLease::Callbacks lease_callbacks();
  [[nodiscard]] ScheduleLease::Member member_of(const Process& process) const;
  [[nodiscard]] CanaryWatch::Callbacks canary_callbacks();
  [[nodiscard]] Probing::Callbacks probing_callbacks();
  [[nodiscard]] std::vector<CanaryWatch::Observed> observe_workers() const;
  void canary_is_bad(CommandId command, const std::string& why);
  [[nodiscard]] PoolListeners::UsedElsewhere used_elsewhere() const;
  void tell(const std::string& line) const;
  void tell_step(const Process& process, const std::string& step) const;
  /// Off-traffic: no name finds it, and it does nothing that the pool's own workers do.
  [[nodiscard]] bool is_rehearsal() const { return on_step_ != nullptr; }

  ipc::uv::Loop& loop_;
  Log& log_;
  const Launcher& launcher_;
  PoolObserver& observer_;
  std::uint32_t seed_;
  Pool pool_;
  std::map<WorkerId, std::unique_ptr<Process>> processes_;  // Outlive what looks at them.
  std::unordered_map<pid_t, Process*> by_pid_;
  Versions versions_;
  PoolListeners listeners_;
  ScheduleLease lease_;
  CanaryWatch canary_;
  Deaths deaths_;
  ConnectionSteering steering_;
  Probing probing_;
  Tails tails_;
  std::string held_for_;
  bool stop_announced_ = false;
  bool told_of_shell_ = false;  // Once: a roll, or a crash, has many of the kind.
  OnProgress on_progress_;
  OnStarted on_started_;
  std::optional<CommandId> deploying_;  // Whose progress these are.
  OnProgress on_step_;
  std::deque<Event> events_;
  bool feeding_ = false;
  ipc::uv::Timer timer_;
  ipc::uv::Timer look_timer_;  // While something outlives its leader.
};
REEVE_FIELDS(PoolRunner::State, removed, state, lease, deployments, previous, adoption, processes,
             tails, kept_seats, deaths, last_deaths, unasked_deaths, held_for)

}  // namespace reeve::supervisor
