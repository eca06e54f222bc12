#include "worker/scheduler/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <random>
#include <stdexcept>
#include <utility>

#include "ipc/base/counted.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

using std::chrono::milliseconds;

/// Runs that are skipped all the time are reported this often.
constexpr std::chrono::seconds kSaySkips{10};

WallTime wall_now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

/// "2026-11-22 03:17:00 UTC"
std::string text(WallTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  return fmt::format("{}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::vector<Activity> name_activities(const std::vector<ScheduledJob>& schedule) {
  std::vector<Activity> result;
  for (const ScheduledJob& scheduled : schedule) {
    result.push_back({ActivityKind::Scheduled, "scheduled " + scheduled.name});
  }
  return result;
}

}  // namespace

Scheduler::Scheduler(const ScheduledJobs& scheduled_jobs, Dependencies dependencies)
    : schedule_(scheduled_jobs.all()),
      dependencies_(std::move(dependencies)),
      activities_(name_activities(schedule_)),
      plan_(schedule_, std::random_device()()),
      reports_(dependencies_.context.loop(), schedule_.size(),
               [this](const ipc::ScheduledReport& report) {
                 if (dependencies_.tell) dependencies_.tell({.scheduled = report});
               }),
      timer_(dependencies_.context.loop(), [this] { wake(); }),
      skipped_(schedule_.size()) {
  for (std::size_t index = 0; index < schedule_.size(); ++index) {
    ipc::ScheduledReport& state = reports_.of(index);
    state.name = schedule_[index].name;
    state.schedule = schedule_[index].schedule.text();
    state.scope = schedule_[index].options.scope == ScheduleScope::One ? ipc::ScheduleScope::One
                                                                       : ipc::ScheduleScope::Each;
  }
}

std::string Scheduler::describe() const {
  if (schedule_.empty()) return "";
  return ipc::counted(schedule_.size(), "scheduled job");
}

std::vector<std::string> Scheduler::running() const {
  std::vector<std::string> names;
  for (const Run& run : runs_) {
    names.push_back(fmt::format("{} ({})", activities_[run.index].name,
                                worker::describe(ipc::Clock::now() - run.began)));
  }
  return names;
}

Moment Scheduler::now() { return {wall_now(), ipc::Clock::now()}; }

void Scheduler::start() {
  if (schedule_.empty() || started_ || draining_) return;
  const bool wall = std::ranges::any_of(schedule_, [](const ScheduledJob& scheduled) {
    return scheduled.options.scope == ScheduleScope::One || !scheduled.schedule.period();
  });
  if (wall) wall_timer_.emplace(dependencies_.context.loop(), [this] { wake(); });
  started_ = true;
  carry_out(plan_.start(now()));

  wants_lease_ = std::ranges::any_of(schedule_, [](const ScheduledJob& scheduled) {
    return scheduled.options.scope == ScheduleScope::One;
  });
  if (wants_lease_ && dependencies_.tell) {
    want_lease();
    arm();
  } else if (wants_lease_) {
    const auto fence = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    on_message({.lease = ipc::Lease{static_cast<std::uint64_t>(fence.count()), wall_now()}});
  }
  report_all();
}

void Scheduler::on_message(const ipc::MasterMessage& message) {
  if (!started_) return;
  if (message.lease && !draining_) {
    carry_out(plan_.hold_lease(message.lease->fence, message.lease->since, now()));
    report_all();
  }
  if (message.claim) {
    const auto found = std::ranges::find(schedule_, message.claim->run.name, &ScheduledJob::name);
    if (found == schedule_.end()) return;
    const auto index = static_cast<std::size_t>(found - schedule_.begin());
    carry_out(plan_.answered(index, message.claim->run.due, message.claim->granted, now()));
    settle();
  }
}

void Scheduler::drain(std::function<void()> drained) {
  drained_ = std::move(drained);
  begin_to_drain();
  settle();
}

void Scheduler::on_master_gone() {
  begin_to_drain();
  carry_out(plan_.give_up_claims(now()));
  settle();
}

void Scheduler::begin_to_drain() {
  if (std::exchange(draining_, true)) return;
  carry_out(plan_.drain(now()));
  if (started_) report_all();
}

std::vector<std::string> Scheduler::cancel() {
  drained_ = nullptr;
  draining_ = true;
  carry_out(plan_.give_up_claims(now()));
  std::vector<std::string> names = running();
  for (auto run = runs_.begin(); run != runs_.end();) {
    const auto cancelled = run++;  // The run may end, and be gone, at once.
    cancelled->task.cancel();
  }
  settle();
  return names;
}

Task<> Scheduler::run_now(std::string name) {
  const auto found = std::ranges::find(schedule_, name, &ScheduledJob::name);
  if (found == schedule_.end())
    throw std::out_of_range(fmt::format("no scheduled job named \"{}\"", name));
  ScheduledRun run(name, wall_now(), 0, dependencies_.state);
  co_await found->run(run);
}

void Scheduler::carry_out(PlanActions actions) {
  std::ranges::move(actions, std::back_inserter(to_do_));
  if (carrying_out_) return;  // A run that began has ended at once: what follows comes after.
  carrying_out_ = true;
  while (!to_do_.empty()) {
    const PlanAction action = to_do_.front();
    to_do_.pop_front();
    std::visit([this](const auto& order) { perform(order); }, action);
  }
  carrying_out_ = false;
  arm();
}

void Scheduler::perform(const BeginRun& action) {
  const ScheduledJob& scheduled = schedule_[action.index];
  dependencies_.page.tasks_running.fetch_add(1, std::memory_order_relaxed);
  const auto run = runs_.emplace(runs_.end(), scheduled, action, dependencies_.state);
  run->task = spawn(dependencies_.context, activities_[action.index], scheduled.run(run->run),
                    [this, run](detail::Outcome<void> outcome) {
                      run->outcome.emplace(std::move(outcome));
                      if (run->begun) ended(run);
                    });
  run->begun = true;
  report(action.index);
  if (run->outcome) ended(run);
}

void Scheduler::perform(const ClaimRun& action) {
  ipc::DueRun run{schedule_[action.index].name, action.due};
  if (dependencies_.tell) {
    dependencies_.tell({.claim = std::move(run)});
  } else {
    on_message({.claim = ipc::ClaimAnswer{std::move(run), true}});
  }
}

void Scheduler::perform(const SkipRuns& action) {
  // Another worker may have done these: it is not known whether they were missed.
  if (action.inherited || action.reason == SkipReason::Denied) return;
  if (action.reason == SkipReason::Coalesced || action.reason == SkipReason::Draining) {
    return report(action.index);
  }
  ipc::ScheduledReport& missed = reports_.of(action.index);
  missed.result = ipc::RunResult::Missed;
  missed.last = action.last;
  missed.took = {};
  missed.detail = to_string(action.reason);
  report(action.index);

  Skipped& skipped = skipped_[action.index];
  ++skipped.times;
  const ipc::TimePoint now = ipc::Clock::now();
  if (now < skipped.say_again) return;
  log(fmt::format(
      "{}: not run, due {}: {}{}", activities_[action.index].name, text(action.last),
      to_string(action.reason),
      skipped.times > 1 ? fmt::format(" (and {} times before)", skipped.times - 1) : ""));
  skipped = {.times = 0, .say_again = now + kSaySkips};
}

void Scheduler::ended(Runs::iterator run) {
  const std::size_t index = run->index;
  dependencies_.page.tasks_running.fetch_sub(1, std::memory_order_relaxed);
  record(index, *run, ipc::Clock::now() - run->began);
  runs_.erase(run);
  carry_out(plan_.ended(index, now()));
  report(index);
  settle();
}

void Scheduler::record(std::size_t index, const Run& run, ipc::Duration took) {
  ipc::ScheduledReport& result = reports_.of(index);
  result.last = run.run.due();
  result.took = std::chrono::duration_cast<std::chrono::microseconds>(took);
  result.detail.clear();
  if (*run.outcome) {
    result.result = ipc::RunResult::Ok;
  } else if (is_a<Cancelled>(run.outcome->error())) {
    result.result = ipc::RunResult::Cancelled;
  } else {
    result.result = ipc::RunResult::Failed;
    result.detail = worker::describe(run.outcome->error());
    log(fmt::format("{} failed after {}: {}", activities_[index].name, worker::describe(took),
                    result.detail));
  }
}

void Scheduler::wake() {
  if (waits_for_lease() && want_again_ <= ipc::Clock::now()) want_lease();
  carry_out(plan_.advance(now()));
}

/// The wish, or the grant, may get lost where a channel is full.
void Scheduler::want_lease() {
  want_again_ = ipc::Clock::now() + lease_pause_.next(0);
  dependencies_.tell({.lease = ipc::LeaseWish::Wanted});
}

bool Scheduler::waits_for_lease() const {
  return wants_lease_ && dependencies_.tell && !draining_ && !plan_.holds_lease();
}

void Scheduler::arm() {
  Plan::Deadlines deadlines = plan_.deadlines();
  if (waits_for_lease()) {
    deadlines.mono = std::min(deadlines.mono.value_or(want_again_), want_again_);
  }
  if (deadlines.mono) {
    timer_.arm(std::max<ipc::Duration>(*deadlines.mono - dependencies_.context.loop().now(), {}));
  } else {
    timer_.disarm();
  }
  if (!wall_timer_) return;
  if (deadlines.wall) {
    wall_timer_->arm(*deadlines.wall);
  } else {
    wall_timer_->disarm();
  }
}

void Scheduler::report(std::size_t index) {
  ipc::ScheduledReport& state = reports_.of(index);
  state.here = plan_.responsible(index);
  state.next = plan_.next_due(index, now());
  state.running = plan_.running(index);
  reports_.changed(index);
}

void Scheduler::report_all() {
  for (std::size_t index = 0; index < schedule_.size(); ++index) report(index);
}

void Scheduler::settle() {
  if (!draining_) return;
  if (plan_.lease_idle() && std::exchange(wants_lease_, false) && dependencies_.tell) {
    reports_.flush();
    dependencies_.tell({.lease = ipc::LeaseWish::Released});
  }
  if (!plan_.idle()) return;
  timer_.disarm();
  if (wall_timer_) wall_timer_->disarm();
  reports_.flush();
  if (drained_) std::exchange(drained_, nullptr)();
}

void Scheduler::log(const std::string& line) const {
  if (dependencies_.log) dependencies_.log(line);
}

}  // namespace reeve::worker
