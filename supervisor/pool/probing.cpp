#include "supervisor/pool/probing.hpp"

#include <algorithm>

namespace reeve::supervisor {
namespace {

/// A connection costs little, a process more.
constexpr Duration kLongestProbePause = std::chrono::milliseconds(250);
constexpr Duration kLongestCommandPause = std::chrono::seconds(1);

bool is_same(const std::optional<HealthRule>& one, const HealthRule* other) {
  return one.has_value() == (other != nullptr) && (other == nullptr || *one == *other);
}

}  // namespace

ProbeState::Verdict ProbeState::take(ProbeAnswer::Kind answer, TimePoint now) {
  const bool starts = interval_ == Duration::zero();
  due_ = now + (starts ? pause_ : interval_);
  pause_ = std::min(pause_ * 2, longest_pause_);
  switch (answer) {
    case ProbeAnswer::Kind::Unknown:
      return Verdict::None;
    case ProbeAnswer::Kind::Good:
      if (starts) return Verdict::Ready;
      return std::exchange(failures_, 0) > 0 ? Verdict::Well : Verdict::None;
    case ProbeAnswer::Kind::Bad:
      ++failures_;
      if (starts) return Verdict::None;
      return failures_ >= limit_ ? Verdict::Hung : Verdict::Failing;
  }
  std::unreachable();
}

void Probing::update(const std::vector<Wanted>& wanted) {
  std::erase_if(questions_, [&wanted](const auto& entry) {
    return std::ranges::find(wanted, entry.first, &Wanted::worker) == wanted.end();
  });
  for (const Wanted& each : wanted) {
    if (each.probe == nullptr) {
      if (const auto found = questions_.find(each.worker); found != questions_.end()) {
        found->second.state.reset();
      }
      continue;
    }
    Question& question = questions_[each.worker];
    const bool is_new =
        !question.state || question.probe != *each.probe || !is_same(question.health, each.health);
    if (is_new) begin(question, each);
  }
  arm_timer();
}

void Probing::begin(Question& question, const Wanted& wanted) {
  question.probe = *wanted.probe;
  question.health = wanted.health == nullptr ? std::nullopt : std::optional(*wanted.health);
  question.number = ++last_number_;
  question.last.clear();
  if (question.health) {
    question.state.emplace(loop_.now(), question.health->interval, question.health->failures);
  } else {
    const bool is_command = question.probe.kind == Probe::Kind::Command;
    question.state.emplace(loop_.now(), is_command ? kLongestCommandPause : kLongestProbePause);
  }
}

void Probing::on_timer() {
  std::vector<WorkerId> due;
  for (const auto& [worker, question] : questions_) {
    if (!question.state || !question.state->due()) continue;
    if (*question.state->due() <= loop_.now()) due.push_back(worker);
  }
  for (const WorkerId worker : due) ask(worker);
  arm_timer();
}

/// An answer may come from inside of the question, and change what is asked.
void Probing::ask(WorkerId worker) {
  const auto found = questions_.find(worker);
  if (found == questions_.end() || !found->second.state) return;
  Question& question = found->second;
  question.state->asked();
  const Probe probe = question.probe;
  callbacks_.ask(worker, probe, [this, worker, number = question.number](ProbeAnswer answer) {
    take(worker, number, std::move(answer));
  });
}

void Probing::take(WorkerId worker, std::uint64_t number, ProbeAnswer answer) {
  const auto found = questions_.find(worker);
  if (found == questions_.end() || found->second.number != number || !found->second.state) return;
  Question& question = found->second;
  if (answer.kind != ProbeAnswer::Kind::Unknown) question.last = std::move(answer.text);
  const ProbeState::Verdict verdict = question.state->take(answer.kind, loop_.now());
  arm_timer();
  if (verdict != ProbeState::Verdict::None) callbacks_.on_verdict(worker, verdict);
}

void Probing::arm_timer() {
  std::optional<TimePoint> next;
  for (const auto& [worker, question] : questions_) {
    const auto due = question.state ? question.state->due() : std::nullopt;
    if (due && (!next || *due < *next)) next = due;
  }
  if (next) {
    timer_.arm(std::max(Duration::zero(), *next - loop_.now()));
  } else {
    timer_.disarm();
  }
}

std::string Probing::last_answer(WorkerId worker) const {
  const auto found = questions_.find(worker);
  return found == questions_.end() ? "" : found->second.last;
}

int Probing::failures(WorkerId worker) const {
  const auto found = questions_.find(worker);
  if (found == questions_.end() || !found->second.state) return 0;
  return found->second.state->failures();
}

}  // namespace reeve::supervisor
