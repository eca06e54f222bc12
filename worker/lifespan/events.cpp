#include "worker/lifespan/events.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

using ipc::Duration;

std::string line(const PhaseBegan& event) { return step_name(event.phase); }
std::string line(const PhaseEnded& event) {
  if (event.detail.empty())
    return fmt::format("{} ({})", step_name(event.phase), describe(event.took));
  return fmt::format("{}: {} ({})", step_name(event.phase), event.detail, describe(event.took));
}
std::string line(const Opening& event) {
  if (event.attempt == 1) return "opening " + event.about.name;
  return fmt::format("opening {} (attempt {})", event.about.name, event.attempt);
}
std::string line(const TakesLong& event) {
  return fmt::format("still {} {} after {}, of {} at most", event.closing ? "closing" : "opening",
                     event.about.name, describe(event.lasted), describe(event.limit));
}

std::string line(const Opened& event) {
  const std::string note = event.about.note.empty() ? "" : ": " + event.about.note;
  if (event.attempt == 1) {
    return fmt::format("opened {}{} ({})", event.about.name, note, describe(event.took));
  }
  return fmt::format("opened {}{} ({}); it was down for {}, {} attempts", event.about.name, note,
                     describe(event.took), describe(event.down), event.attempt);
}
std::string line(const OpenFailed& event) {
  if (event.cancelled) return fmt::format("opening {} was cancelled", event.about.name);
  if (event.retry_in == Duration{}) {
    return fmt::format("cannot open {}: {}", event.about.name, event.reason);
  }
  if (event.attempt == 1) {
    return fmt::format(
        "cannot open {}: {}; it is optional, going on without it; next attempt in {}",
        event.about.name, event.reason, describe(event.retry_in));
  }
  return fmt::format("{} is still down after {} and {} attempts: {}; next in {}", event.about.name,
                     describe(event.down), event.attempt, event.reason, describe(event.retry_in));
}
std::string line(const Noted& event) {
  return fmt::format("{}: {}", event.about.name, event.about.note);
}
std::string line(const Checked& event) {
  if (event.passed) {
    return fmt::format("check {} passes again ({})", event.about.name, describe(event.latency));
  }
  return fmt::format("check {} fails: {}", event.about.name, event.reason);
}
std::string line(const Closing& event) { return "closing " + event.about.name; }
std::string line(const Closed& event) {
  return fmt::format("closed {} ({})", event.about.name, describe(event.took));
}
std::string line(const CloseFailed& event) {
  return fmt::format("cannot close {}: {}; ignoring", event.about.name, event.reason);
}

using ipc::ResourceReport;
using ipc::ResourceState;

/// A part of the 4 KiB that a message may have.
constexpr std::size_t kMostDetail = 512;

ResourceReport make(const About& about, ResourceState state, ipc::Duration took = {},
                    std::string detail = {}) {
  if (detail.size() > kMostDetail) detail.resize(kMostDetail);
  return {.name = about.name,
          .state = state,
          .phase = std::string(to_string(about.phase)),
          .required = about.need == Need::Required,
          .took = std::chrono::duration_cast<std::chrono::microseconds>(took),
          .detail = std::move(detail)};
}

struct Reporter {
  using Report = std::optional<ResourceReport>;

  Report operator()(const PhaseBegan&) const { return {}; }
  Report operator()(const PhaseEnded&) const { return {}; }
  Report operator()(const TakesLong&) const { return {}; }
  /// Between two attempts, and in one, it is down.
  Report operator()(const Opening& event) const {
    if (event.attempt > 1) return {};
    return make(event.about, ResourceState::Opening);
  }
  Report operator()(const Opened& event) const {
    return make(event.about, ResourceState::Open, event.took, event.about.note);
  }
  Report operator()(const OpenFailed& event) const {
    if (event.retry_in == ipc::Duration()) {
      return make(event.about, ResourceState::Failed, {}, event.reason);
    }
    std::string detail = fmt::format("{} (attempt {})", event.reason, event.attempt);
    return make(event.about, ResourceState::Down, event.down, std::move(detail));
  }
  Report operator()(const Noted& event) const {
    return make(event.about, ResourceState::Open, {}, event.about.note);
  }
  Report operator()(const Checked& event) const {
    ResourceReport report =
        make(event.about, event.passed ? ResourceState::Open : ResourceState::Down, event.latency,
             event.passed ? event.about.note : "check: " + event.reason);
    if (!event.of_resource) report.phase = "check";
    return report;
  }
  Report operator()(const Closing& event) const {
    return make(event.about, ResourceState::Closing);
  }
  Report operator()(const Closed& event) const {
    return make(event.about, ResourceState::Closed, event.took);
  }
  Report operator()(const CloseFailed& event) const {
    return make(event.about, ResourceState::Failed, event.took, "not closed: " + event.reason);
  }
};

}  // namespace

std::string step_name(Phase phase) {
  return fmt::format("[{}/5] {}", static_cast<int>(phase) + 1, to_string(phase));
}

std::string describe(const LifespanEvent& event) {
  return std::visit([](const auto& past) { return line(past); }, event);
}

std::optional<ResourceReport> report_of(const LifespanEvent& event) {
  return std::visit(Reporter{}, event);
}

}  // namespace reeve::worker
