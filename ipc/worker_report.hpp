#pragma once
// What a native worker tells its master of its inside, one resource or one scheduled job a message:
// for `reevectl status --lifespan` and `--schedule`. Shown, never acted upon. Plain data.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::ipc {

/// Opening -> Open -> Closing -> Closed.
/// Down: it is optional and could not be opened, or its check fails; it is tried again.
/// Failed: it could not be opened, or not closed; nothing more will be done.
enum class ResourceState : std::uint8_t { Opening, Open, Down, Failed, Closing, Closed };

[[nodiscard]] std::string_view to_string(ResourceState state);
[[nodiscard]] std::optional<ResourceState> parse_resource_state(std::string_view text);

struct ResourceReport {
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

enum class RunResult : std::uint8_t { None, Ok, Failed, Cancelled, Missed };

[[nodiscard]] std::string_view to_string(RunResult result);
[[nodiscard]] std::optional<RunResult> parse_run_result(std::string_view text);

/// A scheduled job. Times are of the wall clock, since the schedule is; those that there are not
/// yet are none.
struct ScheduledReport {
  using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

  std::string name;
  std::string schedule;  ///< "*/5 * * * * Europe/Berlin", "every 30 s"
  bool one = false;      ///< its scope: one worker of the pool, not each
  bool here = false;     ///< this worker runs it: its scope is each, or this one holds the lease
  std::optional<WallTime> next;
  std::optional<WallTime> last;  ///< when the last run was due
  std::chrono::microseconds took{};
  RunResult result = RunResult::None;  ///< of the last run that has ended
  int running = 0;
  std::string detail;  ///< why it failed

  bool operator==(const ScheduledReport&) const = default;
};

}  // namespace reeve::ipc
