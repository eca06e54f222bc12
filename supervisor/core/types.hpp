#pragma once
// The words of the core: ids, states, the timing rules of a pool, and how a worker died.
// Core is pure: values only, no syscalls, no clock, no logging, no knowledge of pids or
// descriptors.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/byte_size.hpp"
#include "ipc/base/clock.hpp"
#include "ipc/base/duration.hpp"
#include "ipc/base/enum_word.hpp"
#include "ipc/format/fields.hpp"
#include "ipc/worker_state.hpp"

namespace reeve::supervisor {

using ipc::DrainKind;
using ipc::Duration;
using ipc::TimePoint;
using ipc::to_string;

/// Names one process for ever. A slot sees many; a pid may come back, a WorkerId never does.
enum class WorkerId : std::uint64_t {};
/// Counts up with every deployed version of a pool.
enum class Generation : std::uint64_t {};
/// Names a command that waits for its verdict.
enum class CommandId : std::uint64_t {};

/// What `reevectl status` shows, in supervisord's words.
enum class SlotState : std::uint8_t {
  Stopped,   ///< asked to be down
  Starting,  ///< a worker is booting
  Running,   ///< a worker is ready
  Stopping,  ///< asked to go down, a worker is still draining
  Backoff,   ///< died, waits before the next try
  Exited,    ///< ended and is not to be restarted (restart = "never", "on-failure")
  Fatal,     ///< gave up
};
constexpr auto words_of(SlotState) {
  return std::to_array<std::string_view>(
      {"STOPPED", "STARTING", "RUNNING", "STOPPING", "BACKOFF", "EXITED", "FATAL"});
}
/// Without a worker until somebody starts it, or its restart policy does.
[[nodiscard]] bool is_down(SlotState state);

/// The life of one process as the master sees it.
enum class WorkerPhase : std::uint8_t { Starting, Serving, Draining, Killed };
constexpr auto words_of(WorkerPhase) {
  return std::to_array<std::string_view>({"starting", "serving", "draining", "killed"});
}

enum class RestartRule : std::uint8_t { Always, OnFailure, Never };
constexpr RestartRule last_of(RestartRule) { return RestartRule::Never; }

/// What a roll does when one of its workers fails.
enum class RollFailure : std::uint8_t {
  Rollback,  ///< what was replaced returns to the old generation
  Pause,     ///< nothing more is replaced; what was stays, and returns to the old one when it dies
};
constexpr RollFailure last_of(RollFailure) { return RollFailure::Pause; }

/// When a worker that is well is replaced all the same, against leaks. Each limit is lowered for
/// each worker by a random share of up to `jitter`, so that a pool never recycles in step.
struct Recycling {
  std::optional<std::uint64_t> requests;      ///< answered; native workers only
  std::optional<std::uint64_t> memory_bytes;  ///< resident, of the process alone
  std::optional<Duration> age;                ///< since it was ready
  double jitter = 0.2;                        ///< 0 to 1

  [[nodiscard]] bool any() const { return requests || memory_bytes || age; }
  bool operator==(const Recycling&) const = default;
};
REEVE_FIELDS(Recycling, requests, memory_bytes, age, jitter)

struct Death;

/// What a pool may do and how long it may take. Only what the core decides with; the command line
/// and the like stay in the configuration.
struct PoolSpec {
  std::string name;
  int workers = 1;
  Duration start_timeout = std::chrono::seconds(60);
  Duration grace = std::chrono::seconds(30);
  /// Ready when it has lived this long after exec, without being told; none: a Ready event says so.
  std::optional<Duration> ready_after;
  RestartRule restart = RestartRule::Always;
  std::vector<int> expected_exit{0};  ///< exit codes that are no failure
  Duration backoff_first = std::chrono::milliseconds(100);
  Duration backoff_max = std::chrono::seconds(30);
  std::optional<int> give_up_failures;  ///< none: it never does
  Duration give_up_within = std::chrono::seconds(60);
  int surge = 1;                    ///< successors at the same time; 0 only with max_unavailable
  std::optional<int> max_draining;  ///< none: as many as there are workers
  /// Slots that a roll may empty before it fills them again, for machines without room for a surge.
  int max_unavailable = 0;
  /// So long a successor must serve beside its predecessor before it replaces it.
  Duration soak{};
  RollFailure on_failure = RollFailure::Rollback;
  /// A restart that deploys nothing has workers that serve reload by themselves, each in place.
  bool reloads = false;
  /// Ready, or draining, and for so long without a sign of life: hung. none: not watched.
  std::optional<Duration> watchdog;
  Recycling recycle;

  /// Whether a worker may end so.
  [[nodiscard]] bool expects(const Death& death) const;
  bool operator==(const PoolSpec&) const = default;
};
REEVE_FIELDS(PoolSpec, name, workers, start_timeout, grace, ready_after, restart, expected_exit,
             backoff_first, backoff_max, give_up_failures, give_up_within, surge, max_draining,
             max_unavailable, soak, on_failure, reloads, watchdog, recycle)

/// How a process ended.
struct Death {
  std::optional<int> exit_code;
  std::optional<int> signal;
  bool core_dumped = false;
  std::string exec_error;  ///< not empty: it never became the program, "exec /bin/x: No such file"
  bool out_of_memory = false;                 ///< the kernel's killer chose it
  std::optional<std::uint64_t> memory_limit;  ///< of its own, in bytes, when that was the cause
  /// The machine could make no process (fork, descriptors, memory): no fault of the program's.
  bool shortage = false;
  bool permanent = false;  ///< no further try can end otherwise, as long as nothing is mended
  bool killed_by_others = false;  ///< SIGKILL, not from the master, nor from the killer
  /// The meaning of its exit code, where it is known: a native worker's, with its own reason. Of
  /// one that was not ready in time: what was waited for.
  std::string meaning;
  /// What was lost by its end: "1 request cancelled, close of client not done". Empty: nothing, as
  /// far as is known; a foreign one never says.
  std::string cost;

  [[nodiscard]] bool clean() const { return exit_code == 0 && exec_error.empty(); }
  bool operator==(const Death&) const = default;
};
REEVE_FIELDS(Death, exit_code, signal, core_dumped, exec_error, out_of_memory, memory_limit,
             shortage, permanent, killed_by_others, meaning, cost)
/// Without its cost: "exited with code 3", "killed by SIGSEGV (core dumped)", "killed: out of
/// memory (its limit is 512 MiB)", "could not be started: exec /bin/x: ...".
[[nodiscard]] std::string describe(const Death& death);

/// Of a clean end that nobody had asked for.
inline constexpr std::string_view kEndedByItself = "ended by itself (exit code 0)";

/// Why the master sends SIGKILL.
enum class KillReason : std::uint8_t {
  GraceExpired,
  StartTimeout,
  GraceEndedByOperator,
  Hung,
  LeftBehind,  ///< its leader has ended, and what that has left has not
};
constexpr auto words_of(KillReason) {
  return std::to_array<std::string_view>({"its drain took longer than the grace",
                                          "it was not ready within start_timeout",
                                          "the operator ended the grace", "no sign of life",
                                          "its leader has ended, and it has outlived the grace"});
}

using ipc::short_duration;
using ipc::short_size;

}  // namespace reeve::supervisor
