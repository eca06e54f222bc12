#include "supervisor/control/verdicts.hpp"

#include <fmt/format.h>

#include <utility>

#include "supervisor/core/process_name.hpp"

namespace reeve::supervisor {

using ipc::control::Verdict;

namespace {

constexpr std::string_view kLastLinesFollow = "; its last lines:";

}  // namespace

std::string_view code_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::Started:
      return "started";
    case Outcome::AlreadyStarted:
      return "already_started";
    case Outcome::Stopped:
      return "stopped";
    case Outcome::NotRunning:
      return "not_running";
    case Outcome::SpawnError:
      return "spawn_error";
    case Outcome::NoSuchProcess:
      return "no_such_process";
    case Outcome::Restarted:
      return "restarted";
    case Outcome::Rolled:
      return "rolled";
    case Outcome::Aborted:
      return "aborted";
    case Outcome::Busy:
      return "busy";
    case Outcome::Scaled:
      return "scaled";
  }
  std::unreachable();
}

bool is_success(Outcome outcome) {
  switch (outcome) {
    case Outcome::Started:
    case Outcome::Stopped:
    case Outcome::Restarted:
    case Outcome::Rolled:
    case Outcome::Scaled:
      return true;
    case Outcome::AlreadyStarted:
    case Outcome::NotRunning:
    case Outcome::SpawnError:
    case Outcome::NoSuchProcess:
    case Outcome::Aborted:
    case Outcome::Busy:
      return false;
  }
  std::unreachable();
}

Verdict render(const std::string& pool, const SlotVerdict& verdict,
               const std::vector<std::string>& last_lines) {
  std::string text = verdict.text;
  if (!last_lines.empty()) text += kLastLinesFollow;
  for (const std::string& line : last_lines) text += "\n  " + line;
  return {.name = verdict.slot ? process_name(pool, *verdict.slot) : pool,
          .ok = is_success(verdict.outcome),
          .code = std::string(code_of(verdict.outcome)),
          .text = std::move(text)};
}

Verdict no_such_process(const std::string& name, std::string hint) {
  return {.name = name,
          .ok = false,
          .code = std::string(code_of(Outcome::NoSuchProcess)),
          .text = std::move(hint)};
}

std::string one_line(const Verdict& verdict) {
  std::string_view reason = std::string_view(verdict.text).substr(0, verdict.text.find('\n'));
  if (reason.ends_with(kLastLinesFollow)) reason.remove_suffix(kLastLinesFollow.size());
  return fmt::format("{}{}{}{}{}", verdict.name, verdict.name.empty() ? "" : ": ", verdict.code,
                     reason.empty() ? "" : ": ", reason);
}

}  // namespace reeve::supervisor
