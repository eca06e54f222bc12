// kill -9 of one worker after the other: what it held may fail, and nothing else.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/harness/process_tree.hpp"
#include "tests/soak/environment.hpp"
#include "tests/soak/held_connections.hpp"
#include "tests/soak/scenarios.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

/// What dies younger than a second is taken for a crash loop.
constexpr Milliseconds kUsefulLife = 1'100ms;
/// Within it a client whose connection died must have noticed.
constexpr auto kAftermath = 1s;

struct Victim {
  std::set<std::uint16_t> held;  ///< the ports of the clients whose connections it had
  Clock::time_point killed_at;
  Clock::time_point dead_at;

  /// The request was on one of its connections when it died.
  [[nodiscard]] bool explains(const LostRequest& lost) const {
    return held.contains(lost.client_port) && lost.lost_at >= killed_at &&
           lost.lost_at <= dead_at + kAftermath;
  }
};

bool is_stopped(pid_t pid) {
  const std::string stat = e2e::read_file(fmt::format("/proc/{}/stat", pid));
  const auto name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.substr(name_end + 2, 1) == "T";
}

/// Since it was forked.
Milliseconds age(pid_t pid) {
  const std::string stat = e2e::read_file(fmt::format("/proc/{}/stat", pid));
  std::istringstream fields(stat.substr(std::min(stat.rfind(')'), stat.size())));
  std::string skipped;
  for (int field = 2; field < 22; ++field) fields >> skipped;
  std::int64_t started_ticks = 0;  // proc(5): starttime is field 22, since boot.
  fields >> started_ticks;
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + Milliseconds(now.tv_nsec / 1'000'000) -
         Milliseconds(started_ticks * 1000 / ::sysconf(_SC_CLK_TCK));
}

/// Stopped first, so that what it holds cannot change any more between the look and the kill.
void kill(Environment& environment, pid_t pid, std::vector<Victim>& victims) {
  const e2e::Watch watch(pid);
  watch.signal(SIGSTOP);
  if (!environment.expect_soon([pid] { return is_stopped(pid); },
                               fmt::format("{} does not stop", pid))) {
    return;
  }
  Victim victim{.held = held_connections(pid, environment.reeve().port()),
                .killed_at = Clock::now()};
  watch.signal(SIGKILL);
  if (!watch.ended_within(e2e::kPatience)) environment.fault(fmt::format("{} survives KILL", pid));
  victim.dead_at = Clock::now();
  victims.push_back(std::move(victim));
}

/// Kills a worker that has served long enough not to look like a crash loop, and waits until its
/// successor serves.
void kill_one(Environment& environment, int number, std::vector<Victim>& victims) {
  const std::string slot = fmt::format("web:{}", environment.draw(0, kWorkers - 1));
  const int pid = environment.reeve().pid(slot);
  if (!environment.expect_soon([pid] { return age(pid) >= kUsefulLife; }, "a worker does not age"))
    return;
  kill(environment, pid, victims);
  (void)environment.expect_soon(
      [&] {
        const auto now = environment.reeve().slot(slot);
        return now.state == "RUNNING" && now.pid != pid;
      },
      fmt::format("kill {}: {} gets no successor", number, slot));
}

}  // namespace

int run_kills(const Options& options) {
  // As often as this, even those that have served would get a pause before their successors.
  Environment environment(options, web_pool(kWorkers, options.max_draining,
                                            R"(give_up = { failures = 1000, within = "60s" })"));
  std::vector<Victim> victims;
  for (int kills = 0; kills < options.times || !environment.satisfied(); ++kills) {
    environment.pause_up_to(200ms);
    if (kills < options.times) kill_one(environment, kills + 1, victims);
    environment.progress(fmt::format("{} of {} kills", victims.size(), options.times));
  }
  const auto explained = [&](const LostRequest& lost) {
    return std::ranges::any_of(victims, [&](const Victim& each) { return each.explains(lost); });
  };
  std::size_t held = 0;
  for (const Victim& victim : victims) held += victim.held.size();
  const int code = environment.finish(kWorkers, explained);
  fmt::print("{} workers killed, which held {} connections; {} requests failed on those\n",
             victims.size(), held, std::ranges::count_if(environment.ledger().losses(), explained));
  return code;
}

}  // namespace reeve::soak
