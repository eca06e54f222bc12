#include "supervisor/process/worker_reports.hpp"

#include <algorithm>
#include <utility>

namespace reeve::supervisor {
namespace {

/// "[2/5] connections" of "[2/5] connections: opening database"; empty when it is no such step.
std::string_view phase_of(std::string_view step) {
  const bool has_number = step.size() > 6 && step[0] == '[' && step.substr(2, 4) == "/5] ";
  if (!has_number || step[1] < '1' || step[1] > '5') return "";
  return step.substr(0, step.find(':'));
}

template <class T>
void limit(std::vector<T>& values, std::size_t most) {
  if (values.size() > most)
    values.erase(values.begin() + static_cast<std::ptrdiff_t>(most), values.end());
}

}  // namespace

WorkerReports::WorkerReports(State state) : state_(std::move(state)) {
  limit(state_.resources, kMostResources);
  limit(state_.scheduled, kMostScheduled);
  limit(state_.phases, kMostPhases);
}

void WorkerReports::on_message(const ipc::WorkerMessage& message, ipc::TimePoint now) {
  if (message.step) take_step(*message.step, now);
  if (message.ready && !state_.phases.empty() && !state_.phases.back().ended) {
    state_.phases.back().ended = now;
  }
  if (message.resource) on_report(*message.resource, now);
  if (message.scheduled) on_report(*message.scheduled);
}

void WorkerReports::on_report(const ipc::ResourceReport& report, ipc::TimePoint now) {
  const auto known = std::ranges::find(state_.resources, report.name,
                                       [](const auto& one) { return one.report.name; });
  if (known != state_.resources.end()) {
    if (known->report.state != report.state) known->since = now;
    known->report = report;
  } else if (state_.resources.size() < kMostResources) {
    state_.resources.push_back({report, now});
  }
}

void WorkerReports::on_report(const ipc::ScheduledReport& report) {
  const auto known = std::ranges::find(state_.scheduled, report.name, &ipc::ScheduledReport::name);
  if (known != state_.scheduled.end()) {
    *known = report;
  } else if (state_.scheduled.size() < kMostScheduled) {
    state_.scheduled.push_back(report);
  }
}

void WorkerReports::take_step(std::string_view step, ipc::TimePoint now) {
  const std::string_view phase = phase_of(step);
  if (phase.empty()) return;
  auto& phases = state_.phases;
  if (!phases.empty() && phases.back().name == phase) return;
  if (!phases.empty() && !phases.back().ended) phases.back().ended = now;
  if (phases.size() < kMostPhases) phases.push_back({std::string(phase), now, std::nullopt});
}

}  // namespace reeve::supervisor
