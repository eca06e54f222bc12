#pragma once
// Drives a pool on a fake clock so that tests read like sentences. Facts and requests go in; what
// the last one made the pool order comes out of `forked`, `drained`, `killed`; verdicts are kept
// for ever.

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {

using namespace std::chrono_literals;

inline const Death kClean{.exit_code = 0};
inline const Death kCrash{.signal = 11};

/// A pool of `workers` with round numbers: start_timeout 10 s, grace 5 s, back-off 1 s to 8 s,
/// FATAL after 3 failures within 60 s.
[[nodiscard]] inline PoolSpec spec_of(int workers) {
  return PoolSpec{.name = "web",
                  .workers = workers,
                  .start_timeout = 10s,
                  .grace = 5s,
                  .backoff_first = 1s,
                  .backoff_max = 8s,
                  .give_up_failures = 3,
                  .give_up_within = 60s};
}

class PoolDriver {
 public:
  explicit PoolDriver(PoolSpec spec) : pool_(std::move(spec), 1, now_) {}

  // Requests.
  CommandId start(SlotSet slots = {}) { return ask(StartRequested{next(), std::move(slots)}); }
  CommandId stop(SlotSet slots = {}) { return ask(StopRequested{next(), std::move(slots)}); }
  CommandId hard_restart(SlotSet slots = {}) {
    return ask(HardRestartRequested{next(), std::move(slots)});
  }
  CommandId roll(SlotSet slots = {}) { return ask(RollRequested{next(), std::move(slots), {}}); }
  CommandId deploy(PoolSpec spec) { return ask(RollRequested{next(), {}, std::move(spec)}); }
  CommandId canary(int workers, Duration watch, std::optional<PoolSpec> spec = {}) {
    return ask(RollRequested{next(), {}, std::move(spec), Canary{workers, watch}});
  }
  CommandId scale(int workers) { return ask(ScaleRequested{next(), workers}); }
  void reconfigure(PoolSpec spec, std::set<WorkerId> native) {
    tell(Reconfigured{std::move(spec), std::move(native)});
  }
  void end_grace() { tell(GraceEnded{}); }

  // Facts.
  void started(WorkerId worker) { tell(Started{worker}); }
  void ready(WorkerId worker) { tell(Ready{worker}); }
  void leaving(WorkerId worker) { tell(Leaving{worker}); }
  void hung(WorkerId worker) { tell(Hung{worker, "no answer, 3 times in a row"}); }
  void extended(WorkerId worker, Duration by) { tell(Extended{worker, by}); }
  void fork_failed(WorkerId worker) { tell(ForkFailed{worker, "fork: no memory", true}); }
  void exited(WorkerId worker, Death death = kClean) { tell(Exited{worker, std::move(death)}); }
  void leader_ended(WorkerId worker, Death death = kClean) {
    tell(LeaderEnded{worker, std::move(death)});
  }

  void judged(CommandId command, bool good, std::string text = {}) {
    tell(Judged{command, good, std::move(text)});
  }
  void measured(Measured found) { tell(found); }

  /// What every measurement from now on finds of this worker. Of others it finds that they are
  /// alive, native, and have done nothing.
  void measurement_finds(Measured found) { found_[found.worker] = found; }
  void falls_silent(WorkerId worker) {
    measurement_finds({.worker = worker, .sign_of_life = now_, .native = true});
  }

  /// Time passes; each measurement and Tick comes when it is due. What was ordered meanwhile adds
  /// up.
  void pass(Duration time) {
    actions_.clear();
    const TimePoint end = now_ + time;
    while (pool_.next_deadline() && *pool_.next_deadline() <= end) {
      now_ = std::max(now_, *pool_.next_deadline());
      measure();
      add(pool_.on(Tick{}, now_));
    }
    now_ = end;
  }
  /// Time passes without the master, which then wakes to this event.
  void stall(Duration time, const Event& wakes_to = Tick{}) {
    now_ += time;
    tell(wakes_to);
  }
  void tell(const Event& event) {
    actions_.clear();
    add(pool_.on(event, now_));
  }

  /// Starts every slot and makes each worker ready.
  void serve() {
    start();
    ready_all();
  }
  /// Every worker that boots becomes ready.
  void ready_all() {
    for (const WorkerId worker : in(WorkerPhase::Starting)) ready(worker);
  }
  /// Goes on until nobody boots or drains: a well-behaved world.
  void settle() {
    for (bool busy = true; busy;) {
      const auto starting = in(WorkerPhase::Starting);
      const auto leaving = in(WorkerPhase::Draining);
      for (const WorkerId worker : starting) ready(worker);
      for (const WorkerId worker : leaving) exited(worker);
      busy = !starting.empty() || !leaving.empty();
    }
  }

  // What the last event made it order.
  [[nodiscard]] std::vector<WorkerId> forked() const { return of<Fork>(); }
  [[nodiscard]] std::vector<WorkerId> drained() const { return of<Drain>(); }
  [[nodiscard]] std::vector<WorkerId> killed() const { return of<Kill>(); }
  [[nodiscard]] bool ordered_nothing() const { return actions_.empty(); }
  template <class A>
  [[nodiscard]] std::vector<A> all() const {
    std::vector<A> found;
    for (const Action& action : actions_) {
      if (const A* one = std::get_if<A>(&action)) found.push_back(*one);
    }
    return found;
  }

  // The pool as it is now.
  [[nodiscard]] const Pool& pool() const { return pool_; }
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] const Slot& slot(int index) const {
    return pool_.slots().at(static_cast<std::size_t>(index));
  }
  [[nodiscard]] SlotState state(int index) const { return slot(index).state; }
  [[nodiscard]] WorkerId current(int index) const { return slot(index).current.value(); }
  [[nodiscard]] WorkerId successor(int index) const { return slot(index).successor.value(); }
  [[nodiscard]] Generation generation_of(int index) const {
    return pool_.find(current(index))->generation;
  }
  /// None when it is gone.
  [[nodiscard]] std::optional<WorkerPhase> phase(WorkerId worker) const {
    const Worker* found = pool_.find(worker);
    return found != nullptr ? std::optional(found->phase) : std::nullopt;
  }
  [[nodiscard]] std::vector<WorkerId> in(WorkerPhase phase) const {
    std::vector<WorkerId> found;
    for (const auto& [id, worker] : pool_.workers()) {
      if (worker.phase == phase) found.push_back(id);
    }
    return found;
  }

  // Verdicts.
  [[nodiscard]] bool answered(CommandId command) const { return verdicts_.contains(command); }
  [[nodiscard]] const std::vector<SlotVerdict>& verdicts(CommandId command) const {
    return verdicts_.at(command);
  }
  /// The verdict of a command on the whole pool, or its only one; none while it is not answered.
  [[nodiscard]] std::optional<Outcome> outcome(CommandId command) const {
    const auto found = verdicts_.find(command);
    if (found == verdicts_.end()) return std::nullopt;
    const SlotVerdict& last = found->second.back();
    return found->second.size() == 1 || !last.slot ? std::optional(last.outcome) : std::nullopt;
  }

 private:
  CommandId next() { return CommandId{++commands_}; }

  template <class Request>
  CommandId ask(Request request) {
    const CommandId command = request.command;
    tell(std::move(request));
    return command;
  }
  void measure() {
    if (!pool_.next_measurement() || *pool_.next_measurement() > now_) return;
    std::vector<WorkerId> workers;
    for (const auto& [id, worker] : pool_.workers()) workers.push_back(id);
    for (const WorkerId id : workers) {
      const auto known = found_.find(id);
      const Measured alive{.worker = id, .sign_of_life = now_, .native = true};
      add(pool_.on(known == found_.end() ? alive : known->second, now_));
    }
  }
  void add(Actions actions) {
    for (Action& action : actions) {
      if (const auto* finished = std::get_if<Finished>(&action)) {
        const bool first = verdicts_.emplace(finished->command, finished->verdicts).second;
        if (!first) throw std::logic_error("a command was answered twice");
      }
      actions_.push_back(std::move(action));
    }
  }
  template <class A>
  [[nodiscard]] std::vector<WorkerId> of() const {
    std::vector<WorkerId> workers;
    for (const A& action : all<A>()) workers.push_back(action.worker);
    return workers;
  }

  TimePoint now_{1h};
  Pool pool_;
  Actions actions_;
  std::map<CommandId, std::vector<SlotVerdict>> verdicts_;
  std::map<WorkerId, Measured> found_;
  std::uint64_t commands_ = 0;
};

/// For gtest's messages.
inline void PrintTo(SlotState state, std::ostream* out) { *out << to_string(state); }
inline void PrintTo(WorkerPhase phase, std::ostream* out) { *out << to_string(phase); }
inline void PrintTo(WorkerId worker, std::ostream* out) {
  *out << "worker " << std::to_underlying(worker);
}

}  // namespace reeve::supervisor
