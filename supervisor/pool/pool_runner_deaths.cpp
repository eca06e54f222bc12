// How workers of a pool end: those that are killed, those that end by themselves, and what is told
// of each: one line that names the cause, and for `reevectl why` all that is known.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <utility>

#include "supervisor/pool/pool_runner.hpp"
#include "supervisor/process/measure.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kMaxLastWords = 64;

/// The date and time of day, as the log has it.
std::string wall_clock() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local)};
}

/// What it was about before it was killed.
WorkerPhase last_phase(const Worker& worker) {
  if (!worker.killed_for) return worker.phase;
  if (worker.drain_kind) return WorkerPhase::Draining;
  return worker.was_ready ? WorkerPhase::Serving : WorkerPhase::Starting;
}

/// An end that nobody asked for, or that came otherwise than asked for.
bool is_worth_a_report(const DeathFacts& facts, const Death& death) {
  return facts.phase != WorkerPhase::Draining || !death.clean() || facts.line_lost;
}

}  // namespace

void PoolRunner::perform(const Kill& order) {
  const auto found = processes_.find(order.worker);
  const Worker* worker = pool_.find(order.worker);
  if (found == processes_.end() || worker == nullptr || !found->second->pid()) return;
  Process& process = *found->second;
  const TimePoint now = loop_.now();
  const auto since = [&] {
    switch (order.reason) {
      case KillReason::StartTimeout:
        return worker->forked_at;
      case KillReason::Hung:
        return measure(process, now, false).sign_of_life.value_or(worker->forked_at);
      case KillReason::GraceExpired:
      case KillReason::GraceEndedByOperator:
        return process.drained_at().value_or(now);
    }
    std::unreachable();
  };
  const auto deployment = deployments_.find(process.identity().generation);
  const bool may_dump = order.reason == KillReason::Hung && deployment != deployments_.end();
  kills_.begin(process, {.name = name_of(worker->slot),
                         .reason = order.reason,
                         .waited = now - since(),
                         .signal = may_dump ? deployment->second.config.watchdog_signal : SIGKILL,
                         .on_strike = [this] { observer_.killed(); }});
}

void PoolRunner::exited(pid_t pid, const Death& death) {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end()) return;
  Process& process = *found->second;
  by_pid_.erase(found);
  process.reaped();

  const Process::Identity who = process.identity();
  Exited event{who.worker, process.explain(death)};
  last_lines_.push_back({who.worker, {process.last_lines().begin(), process.last_lines().end()}});
  if (last_lines_.size() > kMaxLastWords) last_lines_.pop_front();
  const DeathFacts facts = facts_of(process, pid, event.death);
  const Worker* worker = pool_.find(who.worker);
  const bool reported = worker != nullptr && is_worth_a_report(facts, event.death);
  const bool unasked = worker != nullptr && (worker->phase == WorkerPhase::Starting ||
                                             worker->phase == WorkerPhase::Serving);
  if (unasked && !process.worker_sockets().empty())
    steering_.keep(who.slot, std::move(process.worker_sockets()));
  steering_.forget(who.worker);
  take_last_figures(process, unasked && !event.death.clean());
  tell_step(process, facts.cause);
  processes_.erase(who.worker);
  done_with_lease_.erase(who.worker);

  if (!facts.reason.empty()) {
    log_.warn("{}: pid {} gave as its reason: {}", facts.name, pid, facts.reason);
  }
  last_deaths_[who.slot] = event.death;
  dead_ = pid;
  death_told_ = false;
  feed(std::move(event));
  const std::string end = fmt::format("pid {} (generation {}) {}", pid,
                                      static_cast<std::uint64_t>(who.generation), facts.cause);
  if (!death_told_) {
    log_.write(reported ? LogLevel::Warn : LogLevel::Info, fmt::format("{}: {}", facts.name, end));
  }
  observer_.happened("exit", facts.name, end);
  dead_.reset();
  if (reported) report(facts, who.slot);
  observer_.changed();
}

/// The kill that may have led to it ends here.
DeathFacts PoolRunner::facts_of(const Process& process, pid_t pid, const Death& death) {
  const Process::Identity& who = process.identity();
  const Worker* worker = pool_.find(who.worker);
  DeathFacts facts{.name = name_of(who.slot),
                   .when = wall_clock(),
                   .pid = pid,
                   .generation = who.generation,
                   .cause = describe(death),
                   .recorder = ipc::read(process.recorder_page(), ipc::Clock::now()),
                   .box = ipc::read(process.black_box()),
                   .line_lost = process.line_lost(),
                   .kill = kills_.end(who.worker),
                   .steps = {process.steps().begin(), process.steps().end()},
                   .reason = death.meaning.empty() ? process.reason() : "",
                   .status_text = process.status_text(),
                   .output = {process.last_lines().begin(), process.last_lines().end()}};
  if (worker == nullptr) return facts;
  facts.phase = last_phase(*worker);
  facts.lived = loop_.now() - worker->forked_at;
  if (worker->killed_for) {
    facts.cause += fmt::format(": {}", to_string(*worker->killed_for));
  } else if (death.clean() && facts.phase != WorkerPhase::Draining) {
    facts.cause += ", which nobody had asked for";
  }
  return facts;
}

void PoolRunner::report(const DeathFacts& facts, int slot) {
  const std::vector<std::string> lines = log_of_death(facts);
  for (const std::string& line : lines) log_.warn("{}: {}", facts.name, line);
  const bool is_rehearsal = on_step_ != nullptr;  // No name finds it.
  if (!lines.empty() && !is_rehearsal)
    log_.info("{}: more: `reevectl why {}`", facts.name, facts.name);
  deaths_.keep(slot, death_report(facts));
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
      log_.warn("{}, before it was ready: start_timeout decides on it", text);
      return;
    case WorkerPhase::Serving:
      break;
    case WorkerPhase::Draining:
    case WorkerPhase::Killed:
      return;
  }
  if (pool_.spec().restart != RestartRule::Always) {
    log_.warn("{}: it is left alone, since its end may not be followed by another", text);
    return;
  }
  log_.warn("{}: draining and replacing it", text);
  feed(Leaving{who.worker});
  if (const auto found = processes_.find(who.worker); found != processes_.end()) {
    drain(*found->second, DrainKind::Patient);
  }
}

}  // namespace reeve::supervisor
