#pragma once
// The words of the core: ids, states, the timing rules of a pool, and how a worker died.
// Core is pure: values only, no syscalls, no clock, no logging, no knowledge of pids or
// descriptors.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/clock.hpp"
#include "ipc/worker_state.hpp"

namespace reeve::supervisor {

using ipc::DrainKind;
using ipc::Duration;
using ipc::TimePoint;

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
[[nodiscard]] std::string_view to_string(SlotState state);  // "RUNNING"

/// The life of one process as the master sees it.
enum class WorkerPhase : std::uint8_t { Starting, Serving, Draining, Killed };
[[nodiscard]] std::string_view to_string(WorkerPhase phase);

enum class RestartRule : std::uint8_t { Always, OnFailure, Never };

/// What a pool may do and how long it may take. Only what the core decides with; the command line
/// and the like stay in the shell.
struct PoolSpec {
  std::string name;
  int workers = 1;
  Duration start_timeout = std::chrono::seconds(60);
  Duration grace = std::chrono::seconds(30);
  /// Ready this long after exec, without being told ("started" is zero); none: a Ready event says
  /// so.
  std::optional<Duration> ready_after;
  RestartRule restart = RestartRule::Always;
  Duration backoff_first = std::chrono::milliseconds(100);
  Duration backoff_max = std::chrono::seconds(30);
  int give_up_failures = 5;
  Duration give_up_within = std::chrono::seconds(60);
  int surge = 1;                    ///< successors that may start at the same time, at least 1
  std::optional<int> max_draining;  ///< none: as many as there are workers

  bool operator==(const PoolSpec&) const = default;
};

/// How a process ended.
struct Death {
  std::optional<int> exit_code;
  std::optional<int> signal;
  bool core_dumped = false;
  std::string exec_error;  ///< not empty: it never became the program, "exec /bin/x: No such file"

  [[nodiscard]] bool clean() const { return exit_code == 0 && exec_error.empty(); }
  bool operator==(const Death&) const = default;
};
/// "exited with code 3", "killed by SIGSEGV (core dumped)", "could not be started: exec /bin/x:
/// ...".
[[nodiscard]] std::string describe(const Death& death);

/// Why the master sends SIGKILL.
enum class KillReason : std::uint8_t { GraceExpired, StartTimeout, GraceEndedByOperator };
[[nodiscard]] std::string_view to_string(KillReason reason);

/// "1.5 s", "350 ms", "2 min": short, for a person.
[[nodiscard]] std::string short_duration(Duration duration);

}  // namespace reeve::supervisor
