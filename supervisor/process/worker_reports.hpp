#pragma once
// What one worker has told of its inside: its resources, its schedule, the phases of its lifespan.
// Bounded, shown, never acted upon. Durations are counted on the master's own clock, so a resource
// that is closing shows for how long. Pure.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/message.hpp"

namespace reeve::supervisor {

struct KnownResource {
  ipc::ResourceReport report;
  ipc::TimePoint since;  ///< in this state

  bool operator==(const KnownResource&) const = default;
};
REEVE_FIELDS(KnownResource, report, since)

/// A phase of the lifespan while it opens: "[2/5] connections".
struct KnownPhase {
  std::string name;
  ipc::TimePoint began;
  std::optional<ipc::TimePoint> ended;  ///< the next one began, or the worker was ready

  bool operator==(const KnownPhase&) const = default;
};
REEVE_FIELDS(KnownPhase, name, began, ended)

class WorkerReports {
 public:
  static constexpr std::size_t kMostResources = 64;
  static constexpr std::size_t kMostScheduled = 64;
  static constexpr std::size_t kMostPhases = 5;

  /// As plain data, for a master that takes over.
  struct State {
    std::vector<KnownResource> resources;
    std::vector<ipc::ScheduledReport> scheduled;
    std::vector<KnownPhase> phases;

    bool operator==(const State&) const = default;
  };

  WorkerReports() = default;
  /// What is more than the bounds is dropped.
  explicit WorkerReports(State state);

  void on_message(const ipc::WorkerMessage& message, ipc::TimePoint now);

  [[nodiscard]] const State& state() const { return state_; }

 private:
  void on_report(const ipc::ResourceReport& report, ipc::TimePoint now);
  void on_report(const ipc::ScheduledReport& report);
  void take_step(std::string_view step, ipc::TimePoint now);

  State state_;
};
REEVE_FIELDS(WorkerReports::State, resources, scheduled, phases)

}  // namespace reeve::supervisor
