#pragma once
// Decides for one pool: which workers to start, drain and kill, and when a command has its verdict.
// A value, pure: told facts and the time, returns orders. Core thread: the master's only one.
//
// Invariants (checked by reeve_sim after each step):
//   - workers that are neither draining nor killed <= workers + max(surge, 1), with canaries
//     <= workers + max(surge, canaries);
//   - neither a roll nor recycling lifts the number of draining workers above max_draining;
//   - a roll drains a worker only after its successor is ready and has soaked, except for up to
//     max_unavailable slots at a time;
//   - a worker is there until nothing of it is left, its slot free at once if its leader crashed;
//     without a surge (the slot has one port) nothing starts in it before that;
//   - a drain ends by Exited or, at its deadline or when it hangs, by exactly one Kill;
//   - only a worker that was just measured is killed as hung;
//   - every request gets exactly one Finished.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/core/action.hpp"
#include "supervisor/core/event.hpp"
#include "supervisor/core/pool_state.hpp"
#include "supervisor/core/process_name.hpp"
#include "supervisor/core/restart_policy.hpp"
#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

/// A deadline that is overdue by more than this means that the master itself was stalled: then all
/// deadlines move, so that no worker pays for it.
inline constexpr Duration kStall = std::chrono::seconds(1);

/// The time within which Judge is to be answered. Without an answer the canaries fail.
inline constexpr Duration kJudgement = std::chrono::seconds(10);

class Pool {
 public:
  /// Every slot is Stopped until a StartRequested. `seed` feeds the jitter only.
  Pool(PoolSpec spec, std::uint32_t seed, TimePoint now);

  /// Takes over from another master. The state was checked by whoever read it: slots are numbered
  /// from 0 without a gap, and name only workers that are there.
  Pool(PoolState state, std::uint32_t seed, TimePoint now);
  /// Nothing while a command or a roll waits for its end: a master cannot hand that over.
  [[nodiscard]] std::optional<PoolState> state() const;

  /// Takes one event and says what to do. `now` never goes back.
  [[nodiscard]] Actions on(const Event& event, TimePoint now);
  /// When a Tick is due; none: only an event can change anything.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  /// When the workers are to be measured next, for the watchdog and for recycling: at that time
  /// each gets a Measured before the Tick. Part of next_deadline(). none: nothing is to be
  /// measured.
  [[nodiscard]] std::optional<TimePoint> next_measurement() const;

  [[nodiscard]] const PoolSpec& spec() const { return spec_; }
  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }
  /// "web:0", or "web" in a pool of one. A slot that was scaled away has a name, too.
  [[nodiscard]] std::string name_of(int slot) const {
    return process_name(spec_.name, slot, slots_.size());
  }
  [[nodiscard]] const std::map<WorkerId, Worker>& workers() const { return workers_; }
  [[nodiscard]] const Worker* find(WorkerId id) const;
  [[nodiscard]] Generation generation() const { return generation_; }
  /// The generation that the next roll of the whole pool will create.
  [[nodiscard]] Generation upcoming_generation() const;
  /// No process is left and none will be started by itself.
  [[nodiscard]] bool quiet() const;
  /// The rules that a roll goes by: of what it brings, so that it can lead out of impossible ones.
  [[nodiscard]] const PoolSpec& rolling_spec() const {
    return roll_ && roll_->spec ? *roll_->spec : spec_;
  }
  [[nodiscard]] bool rolling() const { return roll_.has_value(); }
  [[nodiscard]] int draining() const;
  /// A roll has started it and has not accepted it yet: it may still go back.
  [[nodiscard]] bool on_trial(const Worker& worker) const { return is_candidate(worker); }

 private:
  /// What the ends of workers have cost while a command was at work, by slot; each text once.
  using Costs = std::map<int, std::set<std::string>>;

  /// A worker that a roll has started and not yet accepted.
  struct Candidate {
    enum class Step : std::uint8_t {
      Booting,
      Soaking,  ///< serves, until `soaked_at` on trial
      Watched,  ///< a canary that serves, until the verdict and until its predecessor may drain
    };
    WorkerId id{};
    Step step = Step::Booting;
    Duration soak{};  ///< fixed at the fork
    TimePoint ready_at;
    TimePoint soaked_at;
  };

  /// A rolling restart. A failure turns it Back: what was replaced returns to the old generation.
  struct Roll {
    enum class Direction : std::uint8_t { Forward, Back };
    /// Canaries --all ready--> Watching --until--> Judging --good--> Rolling
    enum class Stage : std::uint8_t { Canaries, Watching, Judging, Rolling };
    CommandId command{};
    Direction direction = Direction::Forward;
    Stage stage = Stage::Rolling;
    Generation target{};
    std::optional<PoolSpec> spec;
    SlotSet pending;                    ///< not begun
    SlotSet emptied;                    ///< made room, and have no accepted worker again yet
    std::map<int, Candidate> starting;  ///< their new worker boots, soaks or is watched
    SlotSet done;
    SlotSet canaries;  ///< until the verdict on them
    Duration watch{};
    TimePoint until;      ///< Watching and Judging end
    std::string failure;  ///< why it turned back
    std::optional<int> failed_slot;
    std::optional<WorkerId> culprit;
    std::map<int, std::string> not_back;  ///< slots whose way back failed, and why
    Costs costs;
  };

  /// A command that waits for its slots.
  struct Pending {
    enum class Kind : std::uint8_t { Start, Stop, HardRestart, Scale, Roll, Reload };
    CommandId command{};
    Kind kind{};
    SlotSet waiting;
    SlotSet stops;  ///< HardRestart: what ran when it was asked for
    std::vector<SlotVerdict> verdicts;
    Costs costs;  ///< what no verdict tells by itself
  };

  // pool.cpp: facts about workers.
  void take(const ForkFailed& event);
  void take(const Started& event);
  void take(const Ready& event);
  void take(const Leaving& event);
  void take(const Extended& event);
  void take(const Exited& event);
  void take(const LeaderEnded& event);
  void became_ready(Worker& worker);
  void remove(WorkerId id, const Death& death);
  void vacate(const Worker& worker, const Death& death, const std::string& why);
  void current_ended(Slot& slot, const Worker& worker, const Death& death, const std::string& why);
  void restart_or_leave(Slot& slot, const Worker& worker, const Death& death,
                        const std::string& why);

  // pool_time.cpp: deadlines.
  void take(const GraceEnded& event);
  void take(const Tick& event);
  void take_deadline(Worker& worker);
  [[nodiscard]] std::optional<TimePoint> earliest_deadline() const;
  void forgive_stall();

  // pool_watchdog.cpp: the watchdog.
  void take(const Measured& event);
  void take(const Hung& event);
  [[nodiscard]] bool is_hung(const Worker& worker, const Measured& found) const;
  [[nodiscard]] std::optional<Duration> measurement_period() const;
  void plan_measurement();

  // pool_recycle.cpp: workers that are well and are replaced all the same.
  void note_due(Worker& worker, const Measured& found);
  void note_age(Worker& worker);
  [[nodiscard]] double share_of_limits(const Recycling& recycle);
  static void plan_recycling(Worker& worker);
  void recycle();
  void recycle_in_place();
  void recycled(Slot& slot);
  void recycle_failed(Slot& slot, const std::string& why);
  [[nodiscard]] bool wants_recycling(const Slot& slot) const;

  // pool_commands.cpp: requests of the operator.
  void take(const StartRequested& event);
  void take(const StopRequested& event);
  void take(const HardRestartRequested& event);
  void take(const ScaleRequested& event);
  void take(const Reconfigured& event);
  void reconfigure(Worker& worker, bool is_native);
  void bring_up(Slot& slot, Pending& pending);
  void reload(CommandId command, const SlotSet& slots);
  void reload_failed(Worker& worker);
  void begin(Pending pending);
  void settle(int slot, Outcome outcome, const std::string& text = {},
              std::optional<WorkerId> culprit = {});
  void conclude();
  void correct(SlotVerdict& verdict);
  void note_cost(const Worker& worker, const std::string& cost);
  [[nodiscard]] std::size_t serving() const;
  [[nodiscard]] SlotVerdict summary(const Pending& pending) const;
  [[nodiscard]] std::string describe_costs(const Costs& costs) const;
  [[nodiscard]] std::optional<SlotSet> resolve(CommandId command, const SlotSet& slots);
  [[nodiscard]] bool covers_all_running(const SlotSet& slots) const;
  void answer(CommandId command, Outcome outcome, std::string text);
  void ask(Slot& slot) const;
  void grow(int workers, SlotSet& added);
  void shrink(int workers);

  // pool_roll.cpp: the rolling restart.
  void take(const RollRequested& event);
  void advance_roll();
  void accept_candidates();
  void begin_pending();
  void begin(Slot& slot, const PoolSpec& spec);
  void make_room(Slot& slot);
  void candidate_ready(const Worker& worker);
  void accept(int slot);
  void finish_roll();
  [[nodiscard]] std::string describe_return(const Roll& roll) const;
  [[nodiscard]] std::optional<TimePoint> next_trial() const;
  [[nodiscard]] bool may_fork_successor() const;
  [[nodiscard]] bool may_make_room() const;
  [[nodiscard]] bool is_candidate(const Worker& worker) const;
  [[nodiscard]] int successors() const;
  [[nodiscard]] int max_draining() const;

  // pool_canary.cpp: the part of a roll that goes first and is judged.
  void take(const Judged& event);
  void choose_canaries(const Canary& canary);
  void advance_canaries();
  [[nodiscard]] bool canaries_serve() const;

  // pool_roll_failure.cpp: how a roll ends otherwise than it should.
  void roll_failed(const Worker& worker, const Death& death, const std::string& why);
  void turn_back(std::string why, std::optional<int> slot, std::optional<WorkerId> culprit);
  void pause_roll(const std::string& why, int slot_index, WorkerId culprit);
  void take_back(int slot_index, WorkerId candidate);
  void abandon_roll(const std::string& why);
  void withdraw_from_roll(int slot);

  // pool_orders.cpp: the chokepoints through which every change goes.
  void enter(Slot& slot, SlotState state, std::string why);
  [[nodiscard]] WorkerId fork(Slot& slot, Generation generation, const PoolSpec& spec);
  void start(Slot& slot, Generation generation, const PoolSpec& spec, std::string why);
  void start_current(Slot& slot, std::string why);
  void wait_for_room(Slot& slot, const std::string& why);
  [[nodiscard]] bool is_occupied(const Slot& slot) const;
  void promote(Slot& slot, std::string why);
  void stop(Slot& slot, DrainKind kind, std::string why);
  void settle_if_gone(int slot);
  void begin_drain(Worker& worker, DrainKind kind);
  void drain(Worker& worker, DrainKind kind);
  void kill(Worker& worker, KillReason reason);
  void retire(std::optional<WorkerId>& place, DrainKind kind);
  [[nodiscard]] Slot* slot_at(int index);

  PoolSpec spec_;
  Random random_;
  TimePoint now_;
  std::vector<Slot> slots_;
  std::map<WorkerId, Worker> workers_;
  std::vector<Pending> pending_;
  std::optional<Roll> roll_;
  Generation generation_{1};
  Generation last_generation_{1};
  Generation proven_{};  // The newest of which some worker was ever ready.
  std::uint64_t next_worker_ = 1;
  std::optional<TimePoint> measure_at_;
  std::optional<TimePoint> deadline_;  // The earliest one, after the last event.
  Actions actions_;                    // The answer to the event being taken.
};

}  // namespace reeve::supervisor
