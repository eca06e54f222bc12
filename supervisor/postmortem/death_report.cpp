#include "supervisor/postmortem/death_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <ranges>
#include <utility>

#include "ipc/base/counted.hpp"
namespace reeve::supervisor {
namespace {

constexpr std::size_t kMostLoggedFrames = 8;
constexpr std::size_t kMostLoggedRequests = 4;

using Lines = std::vector<std::string>;

/// In the order of WorkerPhase.
constexpr auto kInPhase = std::to_array<std::string_view>(
    {"while it started", "while it served", "while it drained", ""});
static_assert(kInPhase.size() == static_cast<std::size_t>(WorkerPhase::Killed) + 1);

void add_block(Lines& lines, std::string_view title, const Lines& block) {
  if (block.empty()) return;
  lines.push_back(fmt::format("{}:", title));
  for (const std::string& line : block) lines.push_back("  " + line);
}

Lines requests(const ipc::RecorderReading& reading, std::size_t most) {
  Lines lines;
  for (const auto& request : reading.oldest | std::views::take(most)) {
    lines.push_back(fmt::format("{} for {}", request.route, short_duration(request.age)));
  }
  const std::size_t left_out = reading.oldest.size() - lines.size();
  if (left_out > 0) lines.push_back(fmt::format("and {} more", left_out));
  return lines;
}

std::string load(const ipc::RecorderReading& reading) {
  return fmt::format("{} answered, {}; {} in flight, on {}",
                     ipc::counted(reading.requests, "request"),
                     ipc::counted(reading.errors, "error"), reading.in_flight,
                     ipc::counted(reading.connections, "connection"));
}

/// Its headline and the innermost frames.
Lines beginning_of(const Lines& crash) {
  const auto end =
      crash.begin() + static_cast<std::ptrdiff_t>(std::min(crash.size(), kMostLoggedFrames + 1));
  return {crash.begin(), end};
}

constexpr std::string_view kLineLost =
    "it had closed its line to the master (REEVE_CHANNEL): something in it closes descriptors that "
    "are not its own";

}  // namespace

DeathReport death_report(const DeathFacts& facts) {
  DeathReport report;
  report.summary.push_back(fmt::format("{}: pid {} (generation {}) {}", facts.name, facts.pid,
                                       static_cast<std::uint64_t>(facts.generation), facts.cause));
  report.summary.push_back(fmt::format("at {}, after {}, {}", facts.when,
                                       short_duration(facts.lived),
                                       kInPhase[static_cast<std::size_t>(facts.phase)]));
  if (!facts.reason.empty()) report.summary.push_back("it gave as its reason: " + facts.reason);
  std::ranges::copy(facts.box.exception, std::back_inserter(report.summary));
  if (facts.line_lost) report.summary.emplace_back(kLineLost);

  Lines& main = report.main;
  Lines& details = report.details;
  if (facts.recorder) {
    main = ipc::troubles(*facts.recorder, ipc::Tense::Past);
    add_block(main, "requests in flight", requests(*facts.recorder, kMostLoggedRequests));
    if (!facts.recorder->activity.empty()) main.push_back("doing: " + facts.recorder->activity);
    details.push_back(load(*facts.recorder));
    if (facts.recorder->oldest.size() > kMostLoggedRequests) {
      add_block(details, "requests in flight",
                requests(*facts.recorder, facts.recorder->oldest.size()));
    }
  }
  // What the kill has found says what it did; the signal itself only interrupted it.
  if (facts.kill.first.empty()) {
    add_block(main, "the crash", beginning_of(facts.box.crash));
    if (facts.box.crash.size() > kMostLoggedFrames + 1) {
      add_block(details, "the whole crash", facts.box.crash);
    }
    add_block(details, "the stacks of its threads", facts.box.stacks);
  }
  add_block(main, "before it was killed", facts.kill.first);
  add_block(details, "found before it was killed", facts.kill.rest);
  add_block(facts.phase == WorkerPhase::Starting ? main : details, "the last steps of its lifespan",
            facts.steps);
  if (!facts.status_text.empty()) main.push_back("its last status: " + facts.status_text);
  add_block(main, "its last lines", facts.output);
  return report;
}

std::vector<std::string> log_of_death(const DeathFacts& facts) {
  Lines lines = facts.box.exception;
  if (facts.line_lost) lines.emplace_back(kLineLost);
  if (!facts.kill.first.empty()) return lines;  // Which has logged what it found.
  if (facts.recorder) {
    add_block(lines, "requests that were in flight",
              requests(*facts.recorder, kMostLoggedRequests));
  }
  std::ranges::copy(beginning_of(facts.box.crash), std::back_inserter(lines));
  return lines;
}

void DeathReports::keep(int slot, DeathReport report) {
  if (report.details.size() > kMostDetails) {
    report.details.resize(kMostDetails);
    report.details.emplace_back("(and more, which was not kept)");
  }
  reports_[slot] = std::move(report);
  std::erase(newest_, slot);
  newest_.push_back(slot);
  if (newest_.size() > kDetailed) {
    const int earlier = newest_[newest_.size() - kDetailed - 1];
    reports_[earlier].main.clear();
    reports_[earlier].details = {"(its details were not kept: many have died since)"};
  }
  if (newest_.size() > kSlots) {
    reports_.erase(newest_.front());
    newest_.pop_front();
  }
}

const DeathReport* DeathReports::last(int slot) const {
  const auto found = reports_.find(slot);
  return found == reports_.end() ? nullptr : &found->second;
}

std::string why(const ipc::control::Process& slot, const std::vector<std::string>& troubles,
                const DeathReport* death, Depth depth) {
  std::string text = fmt::format("{} is {}", slot.name, slot.state);
  if (slot.pid != 0) text += fmt::format(", pid {}", slot.pid);
  if (!slot.detail.empty()) text += fmt::format(" ({})", slot.detail);
  text += '\n';
  for (const std::string& trouble : troubles) text += fmt::format("  {}\n", trouble);
  if (death == nullptr) return text + "  none of its workers has died unexpectedly\n";
  text += "its last death:\n";
  for (const std::string& line : death->summary) text += fmt::format("  {}\n", line);
  if (depth == Depth::Summary) return text;
  for (const std::string& line : death->main) text += fmt::format("  {}\n", line);
  if (depth == Depth::Main && !death->details.empty()) {
    text += fmt::format("  more: `reevectl why --full {}`\n", slot.name);
  }
  if (depth == Depth::Main) return text;
  for (const std::string& line : death->details) text += fmt::format("  {}\n", line);
  return text;
}

}  // namespace reeve::supervisor
