#include "tests/sim/world.hpp"

#include <csignal>
#include <variant>

namespace reeve::supervisor::sim {

using namespace std::chrono_literals;

void World::carry_out(const Action& action, TimePoint now, const PoolSpec& spec) {
  if (const auto* fork = std::get_if<Fork>(&action)) born(fork->worker, now, spec);
  if (const auto* drain = std::get_if<Drain>(&action)) told(drain->worker, now);
  if (const auto* kill = std::get_if<Kill>(&action)) killed(kill->worker, now);
}

std::vector<Event> World::live_until(TimePoint now) {
  std::vector<Event> mail;
  while (!ahead_.empty() && ahead_.top().at <= now) {
    const Happening happening = ahead_.top();
    ahead_.pop();
    happen(happening, mail);
  }
  return mail;
}

std::optional<TimePoint> World::next() const {
  if (ahead_.empty()) return std::nullopt;
  return ahead_.top().at;
}

/// A worker that boots well is ready before its start_timeout; what a bad one does, it may do at
/// any time.
void World::born(WorkerId id, TimePoint now, const PoolSpec& spec) {
  alive_.emplace(id, Process{});
  if (dice_.percent(climate_.fork_fails))
    return plan(now + dice_.between(0ms, 2ms), id, What::ForkFails);
  if (dice_.percent(climate_.exec_fails))
    return plan(now + dice_.between(0ms, 5ms), id, What::Ends);

  const TimePoint runs = now + dice_.between(0ms, 5ms);
  plan(runs, id, What::Runs);
  const TimePoint ready = runs + dice_.between(1ms, 200ms);
  if (!spec.ready_after && !dice_.percent(climate_.never_ready)) plan(ready, id, What::IsReady);
  if (dice_.percent(climate_.dies_starting)) plan(now + dice_.between(0ms, 300ms), id, What::Ends);
  if (dice_.percent(climate_.dies_serving)) plan(ready + dice_.between(0ms, 20s), id, What::Ends);
  if (dice_.percent(climate_.leaves)) plan(now + dice_.between(0ms, 20s), id, What::Leaves);
  if (dice_.percent(climate_.asks_for_time))
    plan(now + dice_.between(0ms, 10s), id, What::WantsTime);
  if (dice_.percent(climate_.babbles)) plan(now + dice_.between(0ms, 30s), id, What::Babbles);
}

void World::told(WorkerId id, TimePoint now) {
  const auto found = alive_.find(id);
  if (found == alive_.end()) return;  // It ended, and the master has not read of it yet.
  found->second.told = true;
  if (dice_.percent(climate_.ignores_term)) return;
  if (dice_.percent(climate_.dies_draining))
    return plan(now + dice_.between(0ms, 2s), id, What::Ends);
  plan(now + (dice_.percent(60) ? dice_.between(0ms, 50ms) : dice_.between(0ms, 40s)), id,
       What::Obeys);
}

void World::killed(WorkerId id, TimePoint now) {
  const auto found = alive_.find(id);
  if (found == alive_.end()) return;
  found->second.killed = true;
  const bool stuck = dice_.percent(climate_.stuck_in_kernel);
  plan(now + (stuck ? dice_.between(1s, 60s) : dice_.between(0ms, 5ms)), id, What::Dies);
}

/// Whoever is booting, serving or draining now does it well; what was said already stays said.
void World::heal(TimePoint now) {
  climate_ = kFair;
  std::vector<Happening> kept;
  for (; !ahead_.empty(); ahead_.pop()) {
    const What what = ahead_.top().what;
    if (what != What::Ends && what != What::Leaves && what != What::WantsTime)
      kept.push_back(ahead_.top());
  }
  for (const Happening& happening : kept) ahead_.push(happening);
  for (const auto& [id, process] : alive_) {
    if (process.told) plan(now + dice_.between(0ms, 50ms), id, What::Obeys);
    if (process.killed) plan(now + dice_.between(0ms, 5ms), id, What::Dies);
  }
}

void World::plan(TimePoint at, WorkerId id, What what) {
  ahead_.push(Happening{at, dice_.next(), id, what});
}

void World::happen(const Happening& happening, std::vector<Event>& mail) {
  const WorkerId id = happening.worker;
  if (happening.what == What::Babbles) return mail.push_back(babble(id));
  if (!alive_.contains(id)) return;
  const auto ends = [&](const Event& event) {
    alive_.erase(id);
    mail.push_back(event);
    const bool ran = happening.what != What::ForkFails;
    if (ran && dice_.percent(climate_.babbles)) {
      plan(happening.at + dice_.between(0ms, 1s), id, What::Babbles);
    }
  };
  switch (happening.what) {
    case What::ForkFails:
      return ends(ForkFailed{id, "fork: Resource temporarily unavailable"});
    case What::Runs:
      return mail.push_back(Started{id});
    case What::IsReady:
      return mail.push_back(Ready{id});
    case What::Leaves:
      if (dice_.percent(80)) plan(happening.at + dice_.between(0ms, 5s), id, What::Obeys);
      return mail.push_back(Leaving{id});
    case What::WantsTime:
      return mail.push_back(Extended{id, dice_.between(0ms, 10s)});
    case What::Ends:
      return ends(Exited{id, some_death()});
    case What::Obeys:
      return ends(Exited{id, Death{.exit_code = 0}});
    case What::Dies:
      return ends(Exited{id, Death{.signal = SIGKILL}});
    case What::Babbles:
      return;
  }
}

/// A duplicate, a late word of a process that is gone, or one of a process that never was. Only the
/// kernel says Exited, and says it once; but the shell may get the pid of a stranger wrong.
Event World::babble(WorkerId id) {
  constexpr WorkerId kStranger{1'000'000};
  const bool dead = !alive_.contains(id);
  switch (dice_.between(0, dead ? 5 : 2)) {
    case 0:
      return Ready{dead ? id : kStranger};
    case 1:
      return Started{id};
    case 2:
      return Extended{kStranger, 5s};
    case 3:
      return Leaving{id};
    case 4:
      return Ready{id};
    default:
      return Exited{kStranger, Death{.exit_code = 0}};
  }
}

Death World::some_death() {
  switch (dice_.between(0, 4)) {
    case 0:
      return Death{.exit_code = 0};
    case 1:
      return Death{.exit_code = 3};
    case 2:
      return Death{.signal = SIGSEGV, .core_dumped = true};
    case 3:
      return Death{.signal = SIGKILL};
    default:
      return Death{.exec_error = "exec /bin/worker: No such file or directory"};
  }
}

}  // namespace reeve::supervisor::sim
