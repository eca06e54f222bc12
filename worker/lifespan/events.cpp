#include "worker/lifespan/events.hpp"

#include <fmt/format.h>

#include "worker/runtime/text.hpp"

namespace reeve::worker {
namespace {

std::string line(const PhaseBegan& event) { return step_name(event.phase); }
std::string line(const PhaseEnded& event) {
  if (event.detail.empty()) return step_name(event.phase);
  return fmt::format("{}: {} ({})", step_name(event.phase), event.detail, describe(event.took));
}
std::string line(const Opening& event) { return "opening " + event.resource.name; }
std::string line(const Opened& event) {
  return fmt::format("opened {} ({})", event.resource.name, describe(event.took));
}
std::string line(const OpenFailed& event) {
  const bool required = event.resource.options.need == Need::Required;
  return fmt::format("cannot open {}: {}{}", event.resource.name, event.reason,
                     required ? "" : "; it is optional, going on without it");
}
std::string line(const Closing& event) { return "closing " + event.resource.name; }
std::string line(const Closed& event) {
  return fmt::format("closed {} ({})", event.resource.name, describe(event.took));
}
std::string line(const CloseFailed& event) {
  return fmt::format("cannot close {}: {}; ignoring", event.resource.name, event.reason);
}

}  // namespace

std::string step_name(Phase phase) {
  return fmt::format("[{}/5] {}", static_cast<int>(phase) + 1, to_string(phase));
}

std::string describe(const LifespanEvent& event) {
  return std::visit([](const auto& past) { return line(past); }, event);
}

}  // namespace reeve::worker
