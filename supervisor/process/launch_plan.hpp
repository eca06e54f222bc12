#pragma once
// Everything that a child needs between fork and exec, prepared before the fork: after it, only
// async-signal-safe calls are allowed, so nothing can be looked up, formatted or allocated. Pure,
// but for the search in PATH.

#include <sys/resource.h>
#include <sys/types.h>

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/config.hpp"

namespace reeve::supervisor {

struct ResourceLimit {
  std::string name;  ///< "nofile"
  int resource = 0;  ///< RLIMIT_NOFILE
  rlimit value{};
};

struct LaunchPlan {
  std::string program;                   ///< what is executed: PATH was searched
  std::vector<std::string> arguments;    ///< argv
  std::vector<std::string> environment;  ///< "NAME=value"; its own pid is filled in by the child
  std::string directory;                 ///< empty: the master's
  int stdout_fd = -1;                    ///< borrowed, as the following
  int stderr_fd = -1;
  std::vector<int> descriptors;  ///< become 3, 4, ... of the child
  std::vector<ResourceLimit> limits;
  std::optional<int> umask;
  std::optional<int> nice;
  std::optional<User> user;  ///< none: it runs as the master does
  StopRule stop{};           ///< its signal is also that of the master's death
  /// The directory of the worker's cgroup, borrowed; -1: it stays in the master's.
  int cgroup_fd = -1;
  std::size_t longest_line = std::size_t{64} << 10;  ///< of its output, bytes
};

/// Variables that hold the child's own pid, with room for any: only the child knows it.
inline constexpr std::string_view kListenPid = "LISTEN_PID=";
inline constexpr std::string_view kWatchdogPid = "WATCHDOG_PID=";
inline constexpr std::string_view kWorkerPid = "REEVE_PID=";
inline constexpr std::size_t kPidDigits = 10;

/// Who a worker is.
struct WorkerIdentity {
  std::string slot;  ///< "web:0"
  int index = 0;     ///< of the slot
  Generation generation{};
  std::string notify_socket;
  std::optional<User> user;  ///< when the pool has a `user`
};

using Environment = std::map<std::string, std::string>;

/// The master's own environment, less what was meant for the master alone: NOTIFY_SOCKET, LISTEN_*,
/// WATCHDOG_*, REEVE_* and systemd's per-unit descriptors.
[[nodiscard]] Environment inheritable_environment(const char* const* environment);

/// All of a plan but its descriptors. The listeners of `pool` will be 3 and up, in order, then the
/// channel and the recorder. A variable is taken from, the strongest first: what Reeve itself says,
/// `env`, `env_file`, the user's HOME and name, `inherited`.
[[nodiscard]] LaunchPlan plan_launch(const PoolConfig& pool, const Environment& inherited,
                                     const WorkerIdentity& identity);

/// The plan of a probe's command: as the worker that it asks about, with the pid of that as
/// MAINPID, but without its listeners and its line to the master.
[[nodiscard]] LaunchPlan plan_probe(const PoolConfig& pool, const Probe& probe,
                                    const Environment& inherited, const WorkerIdentity& identity,
                                    pid_t worker);

/// Its number when it has no name.
[[nodiscard]] std::string name_of(const User& user);

/// What `required_env` asks for and the plan does not have: an error that names all of it.
[[nodiscard]] std::expected<void, std::string> check_required(const PoolConfig& pool,
                                                              const LaunchPlan& plan);

/// The pool's command for the slot `index`: ${fd:NAME} becomes the number that listener NAME will
/// have, ${slot} and ${port} what they say, and $${ becomes ${.
[[nodiscard]] std::vector<std::string> expand_command(const PoolConfig& pool, int index);

}  // namespace reeve::supervisor
