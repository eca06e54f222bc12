#include "worker/lifespan/events.hpp"

#include <fmt/format.h>

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
std::string line(const StillOpening& event) {
  return fmt::format("still opening {} after {}, of {} at most", event.about.name,
                     describe(event.lasted), describe(event.limit));
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
std::string line(const StillClosing& event) {
  return fmt::format("still closing {} after {}, of {} at most", event.about.name,
                     describe(event.lasted), describe(event.limit));
}
std::string line(const Closed& event) {
  return fmt::format("closed {} ({})", event.about.name, describe(event.took));
}
std::string line(const CloseFailed& event) {
  return fmt::format("cannot close {}: {}; ignoring", event.about.name, event.reason);
}

}  // namespace

std::string step_name(Phase phase) {
  return fmt::format("[{}/5] {}", static_cast<int>(phase) + 1, to_string(phase));
}

std::string describe(const LifespanEvent& event) {
  return std::visit([](const auto& past) { return line(past); }, event);
}

}  // namespace reeve::worker
