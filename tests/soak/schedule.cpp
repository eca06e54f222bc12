// A scheduled job of scope `one`, due every second, through rolls and kill -9 of the worker
// that holds the lease, beside a pool under load. Each run is written down by who does it: no tick
// twice, none missing.

#include <fmt/format.h>

#include <csignal>
#include <set>

#include "tests/e2e/harness/process.hpp"
#include "tests/e2e/harness/ticks.hpp"
#include "tests/soak/environment.hpp"
#include "tests/soak/scenarios.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

constexpr int kWebWorkers = 1;
constexpr int kScheduleWorkers = 2;
constexpr Milliseconds kPeriod = 1s;
/// Two kills come with five rolls.
constexpr int kRolls = 5;
constexpr int kKills = 2;

std::string configuration(int max_draining) {
  // The master's debug lines tell who was granted each run.
  return fmt::format(R"([supervisor]
name = "soak"
runtime_dir = "@dir@/run"
log = {{ level = "debug" }}

{}
[pool.cron]
command = ["@probe@"]
workers = {}
give_up = {{ failures = 1000, within = "60s" }}
env = {{ PROBE_SCHEDULE_DIR = "@dir@", PROBE_SCHEDULE_MS = "{}" }}
)",
                     web_pool(kWebWorkers, max_draining), kScheduleWorkers, kPeriod.count());
}

/// The process that does it, as the master knows it; 0: none.
int holder(const e2e::Reeve& reeve) {
  const auto reply = reeve.ask({.method = ipc::control::Method::Status, .schedule = true});
  for (const ipc::control::ScheduledJob& scheduled : reply.schedule) {
    if (scheduled.report.scope == ipc::ScheduleScope::One && scheduled.report.here)
      return scheduled.pid;
  }
  return 0;
}

void kill_holder(Environment& environment, std::set<int>& killed) {
  int pid = 0;
  if (!environment.expect_soon([&] { return (pid = holder(environment.reeve())) != 0; },
                               "nobody does what is scheduled"))
    return;
  killed.insert(pid);
  const e2e::Watch watch(pid);
  watch.signal(SIGKILL);
  if (!watch.ended_within(e2e::kPatience)) environment.fault(fmt::format("{} survives KILL", pid));
}

bool roll(Environment& environment, int number) {
  const e2e::Finished verdict = environment.reeve().ctl({"restart", "cron"});
  if (verdict.code() == 0) return true;
  environment.fault(fmt::format("roll {} ended with {}: {}{}", number, verdict.code(),
                                verdict.output, verdict.errors));
  return false;
}

/// A tick that is due now comes, whoever does it.
void expect_ticks(Environment& environment) {
  const auto runs = [&environment] { return e2e::read_runs(environment.dir() / "ticks").size(); };
  const std::size_t before = runs();
  (void)environment.expect_soon([&] { return runs() > before; },
                                "nothing scheduled is done any more");
}

}  // namespace

int run_schedule(const Options& options) {
  Environment environment(options, configuration(options.max_draining));
  std::set<int> killed;
  for (int rolls = 0; rolls < options.times || !environment.satisfied(); ++rolls) {
    if (rolls < options.times) {
      if (!roll(environment, rolls + 1)) break;
      environment.pause_up_to(kPeriod);
      if (rolls % kRolls < kKills) kill_holder(environment, killed);
    }
    expect_ticks(environment);
    environment.progress(
        fmt::format("{} of {} rolls, {} kills", rolls + 1, options.times, killed.size()));
  }
  const auto runs =
      e2e::read_runs(environment.dir() / "ticks");  // First: the log has all of their grants.
  const e2e::TickVerdict verdict =
      e2e::judge_ticks(runs, kPeriod, environment.reeve().log(), killed);
  for (const std::string& fault : verdict.faults) environment.fault(fault);
  fmt::print("{} ticks by {} holders, {} killed; {} died with the worker that had claimed them\n",
             verdict.runs, verdict.holders, killed.size(), verdict.excused);
  return environment.finish(kWebWorkers + kScheduleWorkers);
}

}  // namespace reeve::soak
