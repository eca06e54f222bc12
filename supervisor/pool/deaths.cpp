#include "supervisor/pool/deaths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kMaxLastLines = 64;

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

}  // namespace

Deaths::Deaths(ipc::uv::Loop& loop, Log& log, const State& state)
    : log_(log), kills_(loop, log), last_(state.last), unasked_(state.unasked) {
  for (const State::Report& report : state.reports) {
    reports_.keep(report.slot,
                  {.summary = report.summary, .main = report.main, .details = report.details});
  }
}

Deaths::State Deaths::state() const {
  State state{.reports = {}, .last = last_, .unasked = unasked_};
  for (const int slot : reports_.slots()) {
    const DeathReport& report = *reports_.last(slot);
    state.reports.push_back(
        {.slot = slot, .summary = report.summary, .main = report.main, .details = report.details});
  }
  return state;
}

DeathFacts Deaths::facts_of(const Process& process, std::string name, pid_t pid, const Death& death,
                            const Worker* worker, TimePoint now) {
  DeathFacts facts{.name = std::move(name),
                   .when = wall_clock(),
                   .pid = pid,
                   .generation = process.identity().generation,
                   .cause = describe(death),
                   .recorder = ipc::read(process.recorder_page(), ipc::Clock::now()),
                   .box = ipc::read(process.black_box()),
                   .line_lost = process.line_lost(),
                   .kill = kills_.end(process.identity().worker),
                   .steps = {process.steps().begin(), process.steps().end()},
                   .reason = death.meaning.empty() ? process.reason() : "",
                   .status_text = process.status_text(),
                   .output = {process.last_lines().begin(), process.last_lines().end()}};
  if (worker == nullptr) return facts;
  facts.phase = last_phase(*worker);
  facts.lived = now - worker->forked_at;
  if (worker->killed_for) {
    facts.cause += ": ";
    if (!worker->hung_because.empty()) {
      facts.cause += worker->hung_because;
    } else {
      facts.cause += death.meaning.empty() ? to_string(*worker->killed_for) : death.meaning;
    }
  } else if (death.clean() && death.meaning.empty() && facts.phase != WorkerPhase::Draining) {
    facts.cause = kEndedByItself;
  }
  if (!death.cost.empty()) facts.cause += "; " + death.cost;
  return facts;
}

bool Deaths::is_worth_a_report(const DeathFacts& facts, const Death& death, int stop_signal) {
  constexpr int kKilled = 128;  // And the signal's number on top: a shell's code for it.
  const bool as_asked =
      death.clean() || death.signal == stop_signal || death.exit_code == kKilled + stop_signal;
  return facts.phase != WorkerPhase::Draining || !as_asked || !facts.kill.first.empty() ||
         facts.line_lost;
}

void Deaths::remember(const Process& process, const Death& death) {
  const Process::Identity& who = process.identity();
  last_[who.slot] = death;
  last_lines_.push_back({who.worker, {process.last_lines().begin(), process.last_lines().end()}});
  if (last_lines_.size() > kMaxLastLines) last_lines_.pop_front();
}

void Deaths::note_unasked(int slot, const DeathFacts& facts, bool is_followed, TimePoint now) {
  Unasked& known = unasked_[slot];
  if (is_followed) ++known.restarts;
  known.at = now;
  known.cause = facts.cause;
  known.last_line = facts.output.empty() ? "" : facts.output.back();
}

void Deaths::forget_restarts(int slot) {
  if (const auto found = unasked_.find(slot); found != unasked_.end()) found->second.restarts = 0;
}

const Deaths::Unasked* Deaths::unasked(int slot) const {
  const auto found = unasked_.find(slot);
  return found == unasked_.end() ? nullptr : &found->second;
}

void Deaths::report(const DeathFacts& facts, int slot, bool answers_why) {
  const std::vector<std::string> lines = log_of_death(facts);
  for (const std::string& line : lines) log_.warn("{}: {}", facts.name, line);
  if (!lines.empty() && answers_why)
    log_.info("{}: more: `reevectl why {}`", facts.name, facts.name);
  reports_.keep(slot, death_report(facts));
}

std::vector<std::string> Deaths::last_lines(WorkerId worker) const {
  const auto found = std::ranges::find(last_lines_, worker, &LastLines::worker);
  return found == last_lines_.end() ? std::vector<std::string>{} : found->lines;
}

std::optional<Death> Deaths::last(int slot) const {
  const auto found = last_.find(slot);
  return found == last_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace reeve::supervisor
