#pragma once
// What a native worker reports about itself, one resource or one scheduled job per message: for
// `reevectl status --lifespan` and `--schedule`. Shown, never acted upon. Plain data.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/enum_word.hpp"
#include "ipc/format/fields.hpp"

namespace reeve::ipc {

/// Opening -> Open -> Closing -> Closed.
/// Down: it is optional and could not be opened, or its check fails; it is tried again.
/// Failed: it could not be opened, or not closed; nothing more will be done.
enum class ResourceState : std::uint8_t { Opening, Open, Down, Failed, Closing, Closed };
constexpr auto words_of(ResourceState) {
  return std::to_array<std::string_view>(
      {"opening", "open", "down", "failed", "closing", "closed"});
}

struct ResourceReport {
  using Flat = void;

  std::string name;
  ResourceState state = ResourceState::Opening;
  std::string phase;  ///< "connections"
  bool required = true;
  /// How long it took to get into this state from the one before; zero where that has just begun.
  std::chrono::microseconds took{};
  /// Why it is down or failed; of a provider that is open: its choice. May be empty.
  std::string detail;

  bool operator==(const ResourceReport&) const = default;
};
REEVE_FIELDS(ResourceReport, name, state, phase, required, took, detail)

enum class RunResult : std::uint8_t { None, Ok, Failed, Cancelled, Missed };
constexpr auto words_of(RunResult) {
  return std::to_array<std::string_view>({"none", "ok", "failed", "cancelled", "missed"});
}

/// Which workers of the pool run it.
enum class ScheduleScope : std::uint8_t { Each, One };
constexpr auto words_of(ScheduleScope) { return std::to_array<std::string_view>({"each", "one"}); }

/// A scheduled job. Times are of the wall clock, since the schedule is; those that there are not
/// yet are none.
struct ScheduledReport {
  using Flat = void;
  using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

  std::string name;
  std::string schedule;  ///< "*/5 * * * * Europe/Berlin", "every 30 s"
  ScheduleScope scope = ScheduleScope::Each;
  bool here = false;  ///< this worker runs it: its scope is each, or this one holds the lease
  std::optional<WallTime> next;
  std::optional<WallTime> last;  ///< when the last run was due
  std::chrono::microseconds took{};
  RunResult result = RunResult::None;  ///< of the last run that has ended
  int running = 0;
  std::string detail;  ///< why it failed

  bool operator==(const ScheduledReport&) const = default;
};
REEVE_FIELDS(ScheduledReport, name, schedule, scope, here, next, last, took, result, running,
             detail)

}  // namespace reeve::ipc
