// How workers of a pool end: those that are killed, those that end by themselves, and those that
// the master can no longer hear.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "ipc/listen_fds.hpp"
#include "supervisor/config/probe.hpp"
#include "supervisor/pool/pool_runner.hpp"
#include "supervisor/process/measure.hpp"
#include "supervisor/system/proc_reader.hpp"

namespace reeve::supervisor {
namespace {

/// At what a dead leader has left.
constexpr Duration kLookAtTheRestEvery = std::chrono::milliseconds(20);

/// A program that daemonizes has done so by then.
constexpr Duration kDaemonizesWithin = std::chrono::seconds(10);

}  // namespace

void PoolRunner::perform(const Kill& order) {
  const auto found = processes_.find(order.worker);
  const Worker* worker = pool_.find(order.worker);
  if (found == processes_.end() || worker == nullptr) return;
  Process& process = *found->second;
  if (!process.pid()) {  // They are gone soon, and the timer sees it.
    log_.warn("{}: killing what pid {} has left behind: {} ({})", name_of(worker->slot),
              process.leader(), process.name_what_lives(), to_string(order.reason));
    process.kill_group();
    observer_.killed();
    return;
  }
  const TimePoint now = loop_.now();
  const auto since = [&] {
    switch (order.reason) {
      case KillReason::StartTimeout:
        return worker->forked_at;
      case KillReason::Hung:
        return measure(process, now, false).sign_of_life.value_or(worker->forked_at);
      case KillReason::GraceExpired:
      case KillReason::LeftBehind:
      case KillReason::GraceEndedByOperator:
        return process.drained_at().value_or(now);
    }
    std::unreachable();
  };
  const Deployment* deployment = deployment_of(process);
  const bool may_dump = order.reason == KillReason::Hung && deployment != nullptr;
  deaths_.kills().begin(process, {.name = name_of(worker->slot),
                                  .reason = order.reason,
                                  .waited = now - since(),
                                  .why = worker->hung_because,
                                  .signal = may_dump ? deployment->config.watchdog_signal : SIGKILL,
                                  .on_strike = [this] { observer_.killed(); }});
}

std::string PoolRunner::what_was_waited_for(const Process& process, const Worker& worker) const {
  const std::string limit = short_duration(worker.start_timeout);
  const Deployment* deployment = versions_.find(worker.generation);
  if (deployment == nullptr) return "";
  if (const auto* log = std::get_if<ReadyLog>(&deployment->config.ready)) {
    return fmt::format("not ready within {}: no line matched {{ log = \"{}\" }}", limit,
                       log->pattern);
  }
  if (const auto* ready = std::get_if<ReadyProbe>(&deployment->config.ready)) {
    const std::string last = probing_.last_answer(worker.id);
    return fmt::format("{} within {}{}{}", lack_of(ready->probe, deployment->config, worker.slot),
                       limit, last.empty() ? "" : "; last: ", last);
  }
  if (!std::holds_alternative<ReadyNotify>(deployment->config.ready)) return "";
  const bool knows_how = process.is_native() || process.has_notified();
  return fmt::format(
      "no READY=1 within {}{}", limit,
      knows_how ? ""
                : "; if it never says that, set ready = \"started\", { http = … } or { log = … }");
}

void PoolRunner::exited(pid_t pid, const Death& death) {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end()) {  // An orphan: perhaps the last of a worker.
    if (look_timer_.armed()) look_at_what_is_left();
    return;
  }
  Process& process = *found->second;
  by_pid_.erase(found);
  process.reaped();

  const Process::Identity who = process.identity();
  Exited event{who.worker, process.explain(death)};
  const Worker* worker = pool_.find(who.worker);
  const std::string daemon = find_daemon(process, event.death, worker);
  if (!daemon.empty()) event.death.meaning = daemon;
  const bool leaves_some = lives(process);
  if (worker != nullptr && worker->killed_for == KillReason::StartTimeout) {
    event.death.meaning = what_was_waited_for(process, *worker);
  }
  const DeathFacts facts =
      deaths_.facts_of(process, name_of(who.slot), pid, event.death, worker, loop_.now());
  deaths_.remember(process, event.death);
  const bool reported = worker != nullptr &&
                        Deaths::is_worth_a_report(facts, event.death, stop_rule_of(process).signal);
  const bool unasked = worker != nullptr && (worker->phase == WorkerPhase::Starting ||
                                             worker->phase == WorkerPhase::Serving);
  const bool is_news = worker != nullptr && !worker->drain_kind && is_current(who);
  // A watchdog's kill, too, leaves what waits to the successor.
  if ((unasked || is_news) && !process.worker_sockets().empty())
    steering_.keep(who.slot, std::move(process.worker_sockets()));
  steering_.forget(who.worker);
  process.worker_sockets().clear();
  if (worker != nullptr && worker->was_ready) {  // It is gone, its recorder is still there.
    canary_.ended({.worker = who.worker,
                   .generation = who.generation,
                   .reading = ipc::read(process.recorder_page(), loop_.now())},
                  unasked && !pool_.spec().expects(event.death));
  }
  tell_step(process, facts.cause);
  if (!facts.reason.empty()) {
    log_.warn("{}: pid {} gave as its reason: {}", facts.name, pid, facts.reason);
  }
  deaths_.begin_telling(pid);
  if (leaves_some) {
    feed(LeaderEnded{who.worker, event.death});
    look_timer_.arm(kLookAtTheRestEvery);
  } else {
    processes_.erase(who.worker);
    lease_.ended(who.worker);
    feed(event);
  }
  if (is_news) note_unasked(who.slot, facts);
  const std::string end = fmt::format("pid {} (generation {}) {}", pid,
                                      static_cast<std::uint64_t>(who.generation), facts.cause);
  if (deaths_.untold()) {
    const bool is_bad = reported || !event.death.cost.empty();
    log_.write(is_bad ? LogLevel::Warn : LogLevel::Info, fmt::format("{}: {}", facts.name, end));
  }
  observer_.happened("exit", *this, who.slot, end);
  deaths_.told();
  worker = leaves_some ? pool_.find(who.worker) : nullptr;
  if (worker != nullptr && worker->phase == WorkerPhase::Draining) {
    log_.info("{}: what pid {} has left behind gets SIG{} too, and SIGKILL in {}", facts.name, pid,
              ::sigabbrev_np(stop_rule_of(process).signal),
              short_duration(worker->deadline.value_or(loop_.now()) - loop_.now()));
  }
  if (reported) deaths_.report(facts, who.slot, !is_rehearsal());
  observer_.changed();
}

/// What to say of a program that has gone to the background: it ends well and at once, and leaves
/// its work to an orphan. Empty: it has not. Such an orphan is told to stop: its like follows.
std::string PoolRunner::find_daemon(Process& process, const Death& death,
                                    const Worker* worker) const {
  if (!death.clean() || worker == nullptr || pool_.spec().restart != RestartRule::Always) return "";
  if (loop_.now() - worker->forked_at >= kDaemonizesWithin) return "";
  find_detached(process);
  if (worker->drain_kind || !lives(process)) return "";  // As it was to end, or has ended.
  const std::string what = process.name_what_lives();
  return fmt::format(
      "it went to the background{}{}, where nothing can supervise it; keep it in the foreground "
      "(nginx: -g \"daemon off;\"; others: --nodaemonize, --foreground or the like)",
      what.empty() ? "" : " as ", what);
}

bool PoolRunner::find_detached(Process& process) const {
  return process.find_detached([this](pid_t pid) { return by_pid_.contains(pid); },
                               stop_rule_of(process));
}

/// An orphan that has ended may have left another one, which is the master's child by then.
bool PoolRunner::lives(Process& process) const {
  do {
    if (process.lives()) return true;
  } while (process.has_detached() && find_detached(process));
  return false;
}

/// Below a shell that does not exec it LISTEN_PID names the shell, so that a program which honours
/// it leaves the listeners alone, and listens elsewhere.
void PoolRunner::look_below_a_shell(const Process& process) {
  constexpr auto kShells =
      std::to_array<std::string_view>({"sh", "dash", "bash", "ash", "ksh", "zsh", "busybox"});
  const Deployment* deployment = deployment_of(process);
  if (told_of_shell_ || !process.pid() || deployment == nullptr) return;
  const auto given = static_cast<int>(deployment->config.listen.size());
  const std::string shell = program_of(*process.pid());
  if (given == 0 || std::ranges::find(kShells, shell) == kShells.end()) return;

  std::set<std::uint64_t> ours;
  for (const auto& [fd, inode] : open_sockets(*process.pid())) {
    if (fd >= ipc::kFirstListenFd && fd < ipc::kFirstListenFd + given) ours.insert(inode);
  }
  const auto listening = listening_sockets();
  for (const pid_t pid : living_in_group(*process.pid())) {
    for (const auto& [fd, inode] : open_sockets(pid)) {
      const auto found = listening.find(inode);
      if (pid == *process.pid() || ours.contains(inode) || found == listening.end()) continue;
      told_of_shell_ = true;
      log_.warn(
          "{}: {} listens on port {} by itself, not on the listeners of its pool: LISTEN_PID names "
          "{} (pid {}), below which it was started; start it by exec",
          name_of(process.identity().slot), name_of_process(pid), found->second, shell,
          *process.pid());
      return;
    }
  }
}

/// Finds the workers that have gone since their leader ended: nobody tells when the last of a
/// process group does.
void PoolRunner::look_at_what_is_left() {
  std::vector<WorkerId> gone;
  bool some_live = false;
  for (const auto& [worker, process] : processes_) {
    if (process->pid()) continue;
    if (process->has_detached()) find_detached(*process);  // One more fork, and it is another.
    if (lives(*process)) {
      some_live = true;
    } else {
      gone.push_back(worker);
    }
  }
  if (some_live) {
    look_timer_.arm(kLookAtTheRestEvery);
  } else {
    look_timer_.disarm();
  }
  for (const WorkerId worker : gone) {
    processes_.at(worker)->finish();
    processes_.erase(worker);
    lease_.ended(worker);
    feed(Exited{worker, {}});
  }
  if (!gone.empty()) observer_.changed();
}

/// A worker that had hung, or was not ready in time, has not been asked to end either.
void PoolRunner::note_unasked(int index, const DeathFacts& facts) {
  const auto& slots = pool_.slots();
  if (static_cast<std::size_t>(index) >= slots.size()) return;  // Scaled away meanwhile.
  const Slot& slot = slots[static_cast<std::size_t>(index)];
  if (slot.finished) return;
  const bool is_followed = slot.current || slot.retry_at;
  deaths_.note_unasked(index, facts, is_followed, loop_.now());
}

/// It can say nothing any more, and would not notice the master's end: replaced as one that leaves,
/// where the restart rule has it replaced. One that boots is left to its start_timeout.
void PoolRunner::line_lost(Process& process) {
  const Process::Identity who = process.identity();
  const Worker* worker = pool_.find(who.worker);
  if (worker == nullptr) return;
  const std::string text =
      fmt::format("{}: pid {} has closed its line to the master (REEVE_CHANNEL) and lives on",
                  name_of(who.slot), process.pid().value_or(0));
  switch (worker->phase) {
    case WorkerPhase::Starting:
      log_.warn("{}, before it was ready: start_timeout still applies", text);
      return;
    case WorkerPhase::Serving:
      break;
    case WorkerPhase::Draining:
    case WorkerPhase::Killed:
      return;
  }
  if (pool_.spec().restart != RestartRule::Always) {
    log_.warn("{}: left alone, since `restart` would not replace it", text);
    return;
  }
  log_.warn("{}: draining and replacing it", text);
  feed(Leaving{who.worker});
  if (const auto found = processes_.find(who.worker); found != processes_.end()) {
    drain(*found->second, DrainKind::Patient);
  }
}

}  // namespace reeve::supervisor
