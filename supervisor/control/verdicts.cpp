#include "supervisor/control/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "supervisor/core/process_name.hpp"

namespace reeve::supervisor {

using ipc::control::Verdict;

namespace {

constexpr std::string_view kLastLinesFollow = "; its last lines:";

/// An outcome, its stable word for scripts, and whether what was asked for is done.
struct OutcomeWord {
  Outcome outcome;
  std::string_view code;
  bool success;
};
constexpr std::array kOutcomes = {
    OutcomeWord{Outcome::Started, "started", true},
    OutcomeWord{Outcome::Finished, "finished", true},
    OutcomeWord{Outcome::AlreadyStarted, "already_started", false},
    OutcomeWord{Outcome::Stopped, "stopped", true},
    OutcomeWord{Outcome::NotRunning, "not_running", false},
    OutcomeWord{Outcome::SpawnError, "spawn_error", false},
    OutcomeWord{Outcome::NoSuchProcess, "no_such_process", false},
    OutcomeWord{Outcome::Restarted, "restarted", true},
    OutcomeWord{Outcome::Rolled, "rolled", true},
    OutcomeWord{Outcome::Reloaded, "reloaded", true},
    OutcomeWord{Outcome::Aborted, "aborted", false},
    OutcomeWord{Outcome::Busy, "busy", false},
    OutcomeWord{Outcome::Scaled, "scaled", true},
};

const OutcomeWord& word_of(Outcome outcome) {
  const auto* found = std::ranges::find(kOutcomes, outcome, &OutcomeWord::outcome);
  assert(found != kOutcomes.end() && "an outcome without a word");
  return *found;
}

}  // namespace

Verdict render(const std::string& pool, std::size_t slots, const SlotVerdict& verdict,
               const std::vector<std::string>& last_lines) {
  std::string text = verdict.text;
  if (!last_lines.empty()) text += kLastLinesFollow;
  for (const std::string& line : last_lines) text += "\n  " + line;
  const OutcomeWord& word = word_of(verdict.outcome);
  return {.name = verdict.slot ? process_name(pool, *verdict.slot, slots) : pool,
          .ok = word.success,
          .code = std::string(word.code),
          .text = std::move(text),
          .pool = pool,
          .slot = verdict.slot};
}

Verdict success(std::string name, std::string_view code, std::string text) {
  return {.name = std::move(name), .ok = true, .code = std::string(code), .text = std::move(text)};
}

Verdict refusal(std::string name, std::string_view code, std::string text) {
  return {.name = std::move(name), .ok = false, .code = std::string(code), .text = std::move(text)};
}

Verdict no_such_process(const std::string& name, std::string hint) {
  return refusal(name, word_of(Outcome::NoSuchProcess).code, std::move(hint));
}

std::string one_line(const Verdict& verdict) {
  std::string_view reason = std::string_view(verdict.text).substr(0, verdict.text.find('\n'));
  if (reason.ends_with(kLastLinesFollow)) reason.remove_suffix(kLastLinesFollow.size());
  return fmt::format("{}{}{}{}{}", verdict.name, verdict.name.empty() ? "" : ": ", verdict.code,
                     reason.empty() ? "" : ": ", reason);
}

}  // namespace reeve::supervisor
