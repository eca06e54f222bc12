#include "supervisor/postmortem/kill_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace reeve::supervisor {
namespace {

std::string since(const KillFacts& facts) {
  switch (facts.reason) {
    case KillReason::Hung:
      return fmt::format("its last sign of life was {} ago", short_duration(facts.waited));
    case KillReason::StartTimeout:
      return fmt::format("it was started {} ago", short_duration(facts.waited));
    case KillReason::GraceExpired:
    case KillReason::GraceEndedByOperator:
      return fmt::format("it was told to stop {} ago", short_duration(facts.waited));
  }
  return {};
}

}  // namespace

std::vector<std::string> kill_report(const KillFacts& facts) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("killing pid {} and its group: {} ({})", facts.pid,
                              to_string(facts.reason), since(facts)));
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

}  // namespace reeve::supervisor
