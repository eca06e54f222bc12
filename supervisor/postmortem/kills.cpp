#include "supervisor/postmortem/kills.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <utility>

namespace reeve::supervisor {
namespace {

std::string since(const KillFacts& facts) {
  switch (facts.reason) {
    case KillReason::Hung:
      return fmt::format("its last sign of life was {} ago", short_duration(facts.waited));
    case KillReason::StartTimeout:
      return fmt::format("it was started {} ago", short_duration(facts.waited));
    case KillReason::GraceExpired:
    case KillReason::LeftBehind:
    case KillReason::GraceEndedByOperator:
      return fmt::format("it was told to stop {} ago", short_duration(facts.waited));
  }
  return {};
}

}  // namespace

std::vector<std::string> kill_report(const KillFacts& facts) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("killing pid {} and its group: {}", facts.pid,
                              facts.why.empty()
                                  ? fmt::format("{} ({})", to_string(facts.reason), since(facts))
                                  : facts.why));
  const auto add = [&](std::string_view what, const std::string& text) {
    if (!text.empty()) lines.push_back(fmt::format("{}: {}", what, text));
  };
  if (facts.recorder) add("what it was doing", ipc::describe(*facts.recorder));
  add("the last step of its lifespan", facts.step);
  add("its last status", facts.status_text);
  add("its last line", facts.last_line);
  if (lines.size() == 1) add("what it was doing", "unknown, it printed and reported nothing");
  std::ranges::copy(facts.found, std::back_inserter(lines));
  return lines;
}

void Kills::begin(Process& process, Order order) {
  const WorkerId worker = process.identity().worker;
  if (!process.pid() || kills_.contains(worker)) return;
  const auto examined = std::ranges::count_if(
      kills_, [](const auto& entry) { return entry.second.inspection.has_value(); });
  Kill& kill = kills_[worker];
  kill.process = &process;
  kill.pid = *process.pid();
  kill.order = std::move(order);
  // An operator who asks for the end now does not want to wait for a report.
  const bool at_once = kill.order.reason == KillReason::GraceEndedByOperator ||
                       examined >= static_cast<std::ptrdiff_t>(kMostAtOnce);
  if (at_once) return strike(worker);
  kill.inspection.emplace(
      loop_,
      Inspection::InspectedWorker{
          .pid = *process.pid(), .box = process.black_box(), .native = process.is_native()},
      [this, worker] { strike(worker); });
}

void Kills::strike(WorkerId worker) {
  Kill& kill = kills_.at(worker);
  write_report(kill);
  const bool stopped = kill.inspection && kill.inspection->stopped();
  kill.inspection.reset();
  if (kill.order.on_strike) kill.order.on_strike();
  if (kill.order.signal == SIGKILL || stopped) {  // A stopped one acts on no other signal.
    kill.process->kill_group();
    return;
  }
  kill.process->signal(kill.order.signal);
  kill.last_resort = std::make_unique<ipc::uv::Timer>(loop_, [this, worker] {
    const Kill& late = kills_.at(worker);
    log_.warn("{}: pid {} survived SIG{} for {}: SIGKILL", late.order.name, late.pid,
              ::sigabbrev_np(late.order.signal), short_duration(kPatience));
    late.process->kill_group();
  });
  kill.last_resort->arm(kPatience);
}

void Kills::hurry() {
  for (auto& [worker, kill] : kills_) {
    if (kill.inspection) {
      kill.order.signal = SIGKILL;
      strike(worker);
    } else {
      kill.process->kill_group();
    }
  }
}

void Kills::write_report(Kill& kill) {
  const Process& process = *kill.process;
  const auto& lines = process.last_lines();
  kill.found = kill.inspection ? kill.inspection->findings() : Findings{};
  kill.found.first =
      kill_report({.pid = kill.pid,
                   .reason = kill.order.reason,
                   .waited = kill.order.waited,
                   .why = kill.order.why,
                   .recorder = ipc::read(process.recorder_page(), ipc::Clock::now()),
                   .step = kill.order.reason == KillReason::StartTimeout ? process.step() : "",
                   .status_text = process.status_text(),
                   .last_line = lines.empty() ? "" : lines.back(),
                   .found = kill.found.first});
  for (const std::string& line : kill.found.first) log_.warn("{}: {}", kill.order.name, line);
  if (!kill.found.rest.empty()) {
    log_.warn("{}: more: `reevectl why --full {}`", kill.order.name, kill.order.name);
  }
}

Findings Kills::end(WorkerId worker) {
  const auto found = kills_.find(worker);
  if (found == kills_.end()) return {};
  Kill& kill = found->second;
  if (kill.found.first.empty()) {  // It was faster than its killer.
    write_report(kill);
    kill.found.first.emplace_back("it ended by itself while this was found out");
  }
  Findings findings = std::move(kill.found);
  kills_.erase(found);
  return findings;
}

bool Kills::under_way() const {
  return std::ranges::any_of(kills_, [](const auto& entry) {
    const Kill& kill = entry.second;
    return kill.inspection || (kill.last_resort && kill.last_resort->armed());
  });
}

}  // namespace reeve::supervisor
