#include "tests/sim/world.hpp"

#include <algorithm>
#include <csignal>
#include <functional>
#include <variant>

namespace reeve::supervisor::sim {

using namespace std::chrono_literals;

void World::carry_out(const Action& action, TimePoint now, const PoolSpec& spec) {
  if (const auto* fork = std::get_if<Fork>(&action)) born(fork->worker, now, spec);
  if (const auto* drain = std::get_if<Drain>(&action)) told(drain->worker, now);
  if (const auto* kill = std::get_if<Kill>(&action)) killed(kill->worker, now);
  if (const auto* watch = std::get_if<Watch>(&action)) judge(watch->command, false, now);
  if (const auto* verdict = std::get_if<Judge>(&action)) judge(verdict->command, true, now);
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
  Process& process = alive_[id];
  process.native = random_.percent(60);
  process.requests_a_second = random_.between(0, 500);
  process.bytes_a_second = random_.between(0, 64) * 1048576.0;
  const Duration most = spec.watchdog.value_or(3s) / 3;
  if (!random_.percent(rates_.mute)) process.beat = random_.percent(50) ? most : most / 10;
  if (fork_fails(now)) return plan(now + random_.between(0ms, 2ms), id, What::ForkFails);
  if (random_.percent(rates_.exec_fails))
    return plan(now + random_.between(0ms, 5ms), id, What::Ends);

  const TimePoint runs = now + random_.between(0ms, 5ms);
  plan(runs, id, What::Runs);
  const TimePoint ready = runs + random_.between(1ms, 200ms);
  if (!spec.ready_after && !random_.percent(rates_.never_ready)) plan(ready, id, What::IsReady);
  if (random_.percent(rates_.dies_starting))
    plan(now + random_.between(0ms, 300ms), id, What::Ends);
  if (random_.percent(rates_.dies_serving)) plan(ready + random_.between(0ms, 20s), id, What::Ends);
  if (random_.percent(rates_.leaves)) plan(now + random_.between(0ms, 20s), id, What::Leaves);
  if (random_.percent(rates_.asks_for_time))
    plan(now + random_.between(0ms, 10s), id, What::WantsTime);
  if (random_.percent(rates_.babbles)) plan(now + random_.between(0ms, 30s), id, What::Babbles);
  process.serves_from = spec.ready_after ? runs : ready;
  if (random_.percent(rates_.hangs)) process.hangs_from = ready + random_.between(0ms, 20s);
}

/// A fork that fails is often not alone: EAGAIN and ENOMEM last a while.
bool World::fork_fails(TimePoint now) {
  if (now < storm_until_) return true;
  if (!random_.percent(rates_.fork_fails)) return false;
  if (random_.percent(rates_.fork_storm)) storm_until_ = now + random_.between(0ms, 10s);
  return true;
}

void World::told(WorkerId id, TimePoint now) {
  const auto found = alive_.find(id);
  if (found == alive_.end())
    return;  // The process has ended, and the master has not read of it yet.
  found->second.told = true;
  Process& process = found->second;
  if (!process.native && random_.percent(rates_.mute * 5)) {
    process.hangs_from = now;  // A foreign one that stops its signs of life, and drains on.
  } else if (process.hangs(now)) {
    return;
  }
  obey(id, now);
}

void World::obey(WorkerId id, TimePoint now) {
  if (random_.percent(rates_.ignores_term)) return;
  if (random_.percent(rates_.dies_draining))
    return plan(now + random_.between(0ms, 2s), id, What::Ends);
  plan(now + (random_.percent(60) ? random_.between(0ms, 50ms) : random_.between(0ms, 40s)), id,
       What::Obeys);
}

void World::killed(WorkerId id, TimePoint now) {
  const auto found = alive_.find(id);
  if (found == alive_.end()) return;
  found->second.killed = true;
  const bool stuck = random_.percent(rates_.stuck_in_kernel);
  plan(now + (stuck ? random_.between(1s, 60s) : random_.between(0ms, 5ms)), id, What::Dies);
}

/// While they are watched a bad verdict may come at once, and a good one comes too early. Later,
/// any, or none.
void World::judge(CommandId command, bool in_time, TimePoint now) {
  if (random_.percent(in_time ? rates_.no_verdict : 100 - rates_.no_verdict)) return;
  ahead_.push(Happening{.at = now + random_.between(0ms, 8s),
                        .lot = random_.next(),
                        .worker = {},
                        .what = What::Judges,
                        .command = command,
                        .good = !random_.percent(rates_.bad_verdict)});
}

Measured World::measure(WorkerId id, TimePoint now) {
  Measured found{.worker = id};
  const auto process = alive_.find(id);
  if (process == alive_.end() || !process->second.serves_from || process->second.leaderless) {
    return found;
  }
  const Process& it = process->second;
  found.native = it.native;
  found.sign_of_life = last_beat(it, now);
  using Seconds = std::chrono::duration<double>;
  const double served = std::max(0.0, Seconds(now - *it.serves_from).count());
  if (it.native) found.requests = static_cast<std::uint64_t>(it.requests_a_second * served);
  found.memory_bytes = (8ULL << 20U) + static_cast<std::uint64_t>(it.bytes_a_second * served);
  return found;
}

std::optional<TimePoint> World::last_beat(const Process& process, TimePoint now) const {
  const TimePoint until = process.hangs(now) ? *process.hangs_from : now;
  if (!process.beat || !process.serves_from || until < *process.serves_from) return std::nullopt;
  return *process.serves_from + (until - *process.serves_from) / *process.beat * *process.beat;
}

bool World::beats(WorkerId id, TimePoint now) const {
  const auto found = alive_.find(id);
  return found != alive_.end() && !found->second.hangs(now) && !found->second.leaderless &&
         last_beat(found->second, now).has_value();
}

void World::suspend(Duration duration) {
  std::vector<Happening> later;
  for (; !ahead_.empty(); ahead_.pop()) later.push_back(ahead_.top());
  for (Happening& happening : later) {
    happening.at += duration;
    ahead_.push(happening);
  }
  for (auto& [id, process] : alive_) {
    if (process.serves_from) *process.serves_from += duration;
    if (process.hangs_from) *process.hangs_from += duration;
  }
  storm_until_ += duration;
}

/// Workers that are booting, serving or draining now do it well; what was said already stays said.
void World::heal(TimePoint now) {
  rates_ = kFair;
  storm_until_ = {};
  std::vector<Happening> kept;
  for (; !ahead_.empty(); ahead_.pop()) {
    const What what = ahead_.top().what;
    if (what != What::Ends && what != What::Leaves && what != What::WantsTime)
      kept.push_back(ahead_.top());
  }
  for (const Happening& happening : kept) ahead_.push(happening);
  for (auto& [id, process] : alive_) {
    process.hangs_from.reset();
    if (!process.beat) process.beat = 10ms;
    if (process.told) plan(now + random_.between(0ms, 50ms), id, What::Obeys);
    if (process.killed) plan(now + random_.between(0ms, 5ms), id, What::Dies);
  }
}

void World::plan(TimePoint at, WorkerId id, What what) {
  ahead_.push(Happening{.at = at, .lot = random_.next(), .worker = id, .what = what});
}

void World::happen(const Happening& happening, std::vector<Event>& mail) {
  const WorkerId id = happening.worker;
  if (happening.what == What::Babbles) return mail.push_back(babble(id));
  if (happening.what == What::Judges)
    return mail.push_back(Judged{happening.command, happening.good, "by chance"});
  if (!alive_.contains(id)) return;
  Process& process = alive_.at(id);
  const bool acts_by_itself = happening.what == What::IsReady || happening.what == What::Leaves ||
                              happening.what == What::WantsTime || happening.what == What::Runs;
  if (acts_by_itself && (process.hangs(happening.at) || process.leaderless)) return;
  const auto ends = [&](const Event& event) {
    const auto* exited = std::get_if<Exited>(&event);
    if (exited != nullptr && !process.leaderless && random_.percent(rates_.leaves_some)) {
      mail.push_back(LeaderEnded{id, exited->death});
      process.leaderless = process.told = true;
      if (process.killed) {
        killed(id, happening.at);
      } else {
        obey(id, happening.at);
      }
      return;
    }
    alive_.erase(id);
    mail.push_back(event);
    const bool ran = happening.what != What::ForkFails;
    if (ran && random_.percent(rates_.babbles)) {
      plan(happening.at + random_.between(0ms, 1s), id, What::Babbles);
    }
  };
  switch (happening.what) {
    case What::ForkFails:
      return ends(ForkFailed{id, "fork: Resource temporarily unavailable", random_.percent(70)});
    case What::Runs:
      return mail.push_back(Started{id});
    case What::IsReady:
      return mail.push_back(Ready{id});
    case What::Leaves:
      if (random_.percent(80)) {
        alive_.at(id).told = true;  // By itself.
        plan(happening.at + random_.between(0ms, 5s), id, What::Obeys);
      }
      return mail.push_back(Leaving{id});
    case What::WantsTime:
      if (random_.percent(rates_.never_enough)) {
        plan(happening.at + random_.between(0ms, 5s), id, What::WantsTime);
      }
      return mail.push_back(Extended{id, random_.between(0ms, 10s)});
    case What::Ends:
      return ends(Exited{id, some_death()});
    case What::Obeys:
      return ends(Exited{id, Death{.exit_code = 0}});
    case What::Dies:
      return ends(Exited{id, Death{.signal = SIGKILL}});
    case What::Babbles:
    case What::Judges:
      return;
  }
}

/// A duplicate, a late word of a process that is gone, or one of a process that never was. Only the
/// kernel says Exited, and says it once; but the shell may get the pid of a stranger wrong.
Event World::babble(WorkerId id) {
  constexpr WorkerId kStranger{1'000'000};
  const bool dead = !alive_.contains(id);
  switch (random_.between(0, dead ? 8 : 5)) {
    case 0:
      return Ready{dead ? id : kStranger};
    case 1:
      return Started{id};
    case 2:
      return Extended{kStranger, 5s};
    case 3:  // Too much, or nothing.
      return Extended{id, random_.percent(50) ? Duration(24h) : Duration(-5s)};
    case 4:  // A recorder that lies.
      return Measured{.worker = dead ? id : kStranger,
                      .sign_of_life = TimePoint(1h),
                      .requests = ~std::uint64_t{0},
                      .memory_bytes = ~std::uint64_t{0}};
    case 5:
      if (random_.percent(10)) return Hung{id, "no answer"};
      return Judged{CommandId{999'999}, random_.percent(50), "not asked"};
    case 6:
      return Leaving{id};
    case 7:
      return Ready{id};
    default:
      return Exited{kStranger, Death{.exit_code = 0}};
  }
}

Death World::some_death() {
  switch (random_.between(0, 7)) {
    case 0:
      return Death{.exit_code = 0};
    case 1:
      return Death{.exit_code = 3};
    case 4:
      return Death{.exit_code = random_.percent(50) ? 69 : 75};
    case 5:
      return Death{.exit_code = 78, .permanent = true};
    case 6:
      return Death{.exec_error = "exec /bin/worker: Too many open files", .shortage = true};
    case 2:
      return Death{.signal = SIGSEGV, .core_dumped = true};
    case 3:
      return Death{.signal = SIGKILL};
    default:
      return Death{.exec_error = "exec /bin/worker: No such file or directory", .permanent = true};
  }
}

}  // namespace reeve::supervisor::sim
