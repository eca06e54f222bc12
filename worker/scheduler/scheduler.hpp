#pragma once
// Runs the scheduled jobs of a worker: carries out what the Plan decides, on the loop and on the
// thread pool, and tells the master and the log of it. It decides nothing itself. Loop thread only.

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/message.hpp"
#include "ipc/recorder/recorder.hpp"
#include "reeve/scheduled_job.hpp"
#include "reeve/state.hpp"
#include "worker/lifespan/retry_pause.hpp"
#include "worker/scheduler/plan.hpp"
#include "worker/scheduler/scheduled_reports.hpp"
#include "worker/scheduler/wall_timer.hpp"
#include "worker/task/context.hpp"
#include "worker/task/loop_activity.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {

class Scheduler {
 public:
  using Tell = std::function<void(const ipc::WorkerMessage&)>;
  using LogLine = std::function<void(std::string_view line)>;

  /// Between two wishes for the lease that were not answered: ever more seldom, so that a worker
  /// that waits for days hardly wakes up for it.
  static constexpr Retry kLeasePauses{.first = std::chrono::seconds(1),
                                      .max = std::chrono::seconds(60)};

  struct Dependencies {
    Context& context;
    State& state;
    ipc::RecorderPage& page;
    LogLine log;  ///< Gets failures and skipped runs. May be empty.
    /// To the master. Empty: there is none, and the worker does what is of scope One itself.
    Tell tell;
  };

  /// The scheduled jobs outlive it.
  Scheduler(const ScheduledJobs& scheduled_jobs, Dependencies dependencies);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// "2 scheduled jobs"; empty when there are none.
  [[nodiscard]] std::string describe() const;
  /// "scheduled clean-up (3.2 s)" for each that runs.
  [[nodiscard]] std::vector<std::string> running() const;

  /// The worker is ready: due times count from now on. May throw std::system_error.
  void start();
  /// What the master says of the lease, if it says something.
  void on_message(const ipc::MasterMessage& message);

  /// Begins no run any more, but for one that the master has granted. Calls `drained` once nothing
  /// runs, perhaps at once; the lease is given back before.
  void drain(std::function<void()> drained);
  /// Nobody answers any more: gives up the claims that wait for it, and begins no run any more.
  void on_master_gone();
  /// Cancels what runs, and returns what it was: "scheduled clean-up (3.2 s)". Nothing begins any
  /// more.
  [[nodiscard]] std::vector<std::string> cancel();

  /// Runs the scheduled job of that name now, whatever its schedule, its scope and its limits say,
  /// and throws what it throws. Throws std::out_of_range for a name that there is not. For tests;
  /// its caller waits for its end, the drain does not.
  [[nodiscard]] Task<> run_now(std::string name);

 private:
  struct Run {
    Run(const ScheduledJob& of, const BeginRun& order, State& state)
        : index(order.index), run(of.name, order.due, order.fence, state) {}

    std::size_t index;
    ScheduledRun run;
    ipc::TimePoint began = ipc::Clock::now();
    Spawned task{};
    bool begun = false;  ///< spawn() has returned.
    std::optional<detail::Outcome<void>> outcome{};
  };
  using Runs = std::list<Run>;
  /// Due times that were skipped, for the next line of the log.
  struct Skipped {
    int times = 0;
    ipc::TimePoint say_again{};
  };

  [[nodiscard]] static Moment now();
  void carry_out(PlanActions actions);
  void perform(const BeginRun& action);
  void perform(const ClaimRun& action);
  void perform(const SkipRuns& action);
  void begin_to_drain();
  void ended(Runs::iterator run);
  void record(std::size_t index, const Run& run, ipc::Duration took);
  void wake();
  void want_lease();
  [[nodiscard]] bool waits_for_lease() const;
  void arm();
  void report(std::size_t index);
  void report_all();
  void settle();
  void log(const std::string& line) const;

  const std::vector<ScheduledJob>& schedule_;
  Dependencies dependencies_;
  std::vector<Activity> activities_;
  Plan plan_;
  ScheduledReports reports_;
  ipc::uv::Timer timer_;
  std::optional<WallTimer> wall_timer_;
  std::deque<PlanAction> to_do_;
  bool carrying_out_ = false;
  Runs runs_;
  std::vector<Skipped> skipped_;
  bool started_ = false;
  bool draining_ = false;
  bool wants_lease_ = false;
  RetryPause lease_pause_{kLeasePauses};
  ipc::TimePoint want_again_{};
  std::function<void()> drained_;
};

}  // namespace reeve::worker
