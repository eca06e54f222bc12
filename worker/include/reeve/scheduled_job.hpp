#pragma once
// Scheduled jobs: what a worker does on a schedule rather than on request. Where one runs is
// decided by its type, as for handlers: one that returns a Task is a coroutine on the loop, any
// other may block, so it runs on the thread pool. Registered before App::run(), on the main thread.
//
//   app.schedule("clean-up", cron("*/5 * * * *", "Europe/Berlin"),
//                [](ScheduledRun& run, Database& db) -> Task<> { co_await db.clean_up(run.due());
//                });
//   app.schedule("beat", every(1s), [] { /* may block */ }, {.scope = ScheduleScope::Each});

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "reeve/schedule.hpp"
#include "reeve/signature.hpp"
#include "reeve/state.hpp"
#include "reeve/task.hpp"

namespace reeve {

/// Which workers of a pool run a scheduled job: each of them, or one at a time, which holds the
/// pool's lease.
enum class ScheduleScope : std::uint8_t { Each, One };

/// The options of App::schedule(): who runs it, and what happens to runs that are late, missed or
/// overlap. ScheduledJobs::schedule() throws for what is out of range.
struct ScheduleOptions {
  /// One: no two workers ever run the same due time. A worker without a master is the one.
  ScheduleScope scope = ScheduleScope::One;
  /// Several due times were missed (the loop was blocked, the machine slept, the lease moved): true
  /// runs the latest of them only, false runs each, one after the other, the last 64 at most.
  bool coalesce = true;
  /// How many runs of this scheduled job may overlap in a worker. What is due beyond that is
  /// skipped.
  int max_instances = 1;
  /// How late a run may begin, not counting the jitter; later than that it is missed. 1 s
  /// at least, since no run begins exactly when it is due; 7 days at most.
  std::chrono::milliseconds misfire_grace{60'000};
  /// Each run begins later than due by a random time up to this: workers do not act in step. 24
  /// hours at most. For scope One the wait comes before the worker asks for the run, so that a run
  /// whose worker leaves while waiting falls to the next holder of the lease.
  std::chrono::milliseconds jitter{0};
};

/// One run of a scheduled job. Lives until the scheduled job's function has ended. The loop thread
/// and the function may read it.
class ScheduledRun {
 public:
  /// For the runtime; a test asks TestClient::run_scheduled() for one.
  ScheduledRun(std::string name, WallTime due, std::uint64_t fence, State& state)
      : name_(std::move(name)), due_(due), fence_(fence), state_(state) {}
  ScheduledRun(const ScheduledRun&) = delete;
  ScheduledRun& operator=(const ScheduledRun&) = delete;
  ~ScheduledRun() = default;

  /// The name that the scheduled job was registered by.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// When this run was due by its schedule: it may have begun later.
  [[nodiscard]] WallTime due() const { return due_; }
  /// Scope One: greater than that of every earlier holder of the lease, so that what a
  /// run writes to can refuse a holder that was thought dead. Scope Each: 0.
  [[nodiscard]] std::uint64_t fence() const { return fence_; }
  /// The value of process scope. Throws std::out_of_range, which names the type, when there is
  /// none.
  template <class T>
  [[nodiscard]] T& state() const {
    return state_.get<T>();
  }

 private:
  std::string name_;
  WallTime due_;
  std::uint64_t fence_;
  State& state_;
};

namespace detail {

/// What a parameter of a scheduled job's function gets: the run itself, or a value of process
/// scope.
template <class Parameter>
decltype(auto) scheduled_argument(ScheduledRun& run) {
  static_assert(
      std::is_lvalue_reference_v<Parameter>,
      "a scheduled job takes a reeve::ScheduledRun& and references to values of process scope");
  using T = std::remove_cvref_t<Parameter>;
  if constexpr (std::is_same_v<T, ScheduledRun>) {
    return (run);
  } else {
    return run.state<T>();
  }
}

template <class Function, class... Parameters>
decltype(auto) call_scheduled(const Function& function, ScheduledRun& run,
                              TypeList<Parameters...>) {
  return function(scheduled_argument<Parameters>(run)...);
}

template <class Function>
decltype(auto) call_scheduled(const Function& function, ScheduledRun& run) {
  if constexpr (KnowsItsParameters<Function>) {
    return call_scheduled(function, run, typename Signature<Function>::Parameters());
  } else {
    return function(run);  // A generic lambda.
  }
}

template <class Function>
Task<> run_scheduled(const Function& function, ScheduledRun& run) {
  using Result = decltype(call_scheduled(function, run));
  static_assert(std::is_void_v<Result> || std::is_same_v<Result, Task<>>,
                "a scheduled job returns nothing (it may block, and runs on the thread pool) or "
                "reeve::Task<> (a coroutine, which runs on the loop)");
  co_await run_where_it_belongs([&function, &run] { return call_scheduled(function, run); });
}

}  // namespace detail

/// One scheduled job, its types erased.
struct ScheduledJob {
  std::string name;         ///< unique within the app
  Schedule schedule;        ///< when it is due
  ScheduleOptions options;  ///< as it was registered
  std::function<Task<>(ScheduledRun&)>
      run;  ///< Failure: an exception. The scheduled job and the run outlive it.
};

/// The scheduled jobs of an app.
class ScheduledJobs {
 public:
  /// A limit on what a master must remember of a worker.
  static constexpr std::size_t kMost = 64;

  /// Registers a scheduled job. `function` is called with the ScheduledRun& and with references to
  /// values of process scope, in any order, or with nothing, and must be callable from several
  /// threads at once when `max_instances` is more than 1. Its exceptions are failures: logged, and
  /// shown by `reevectl status --schedule`; the schedule goes on.
  ///
  /// Throws std::invalid_argument for a name that is empty, repeated, longer than 64 bytes or not
  /// printable UTF-8 (a control or zero-width character, say), for options out of range, and beyond
  /// kMost scheduled jobs.
  template <class Function>
  void schedule(std::string name, Schedule times, Function function,
                const ScheduleOptions& options = {}) {
    add({.name = std::move(name),
         .schedule = std::move(times),
         .options = options,
         .run = [function = std::move(function)](ScheduledRun& run) {
           return detail::run_scheduled(function, run);
         }});
  }

  /// In the order of their registration.
  [[nodiscard]] const std::vector<ScheduledJob>& all() const { return all_; }
  /// Null when there is none of that name.
  [[nodiscard]] const ScheduledJob* find(std::string_view name) const;

 private:
  void add(ScheduledJob scheduled);

  std::vector<ScheduledJob> all_;
};

}  // namespace reeve
