#pragma once
// Everything that a child needs between fork and exec, prepared before the fork: after it, only
// async-signal-safe calls are allowed, so nothing can be looked up, formatted or allocated. Pure,
// but for the search in PATH.

#include <sys/resource.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/config.hpp"

namespace reeve::supervisor {

struct LaunchPlan {
  std::string program;                   ///< what is executed: PATH was searched
  std::vector<std::string> arguments;    ///< argv
  std::vector<std::string> environment;  ///< "NAME=value"; LISTEN_PID is filled in by the child
  std::string directory;                 ///< empty: the master's
  int stdout_fd = -1;                    ///< borrowed, as the following
  int stderr_fd = -1;
  std::vector<int> descriptors;  ///< become 3, 4, ... of the child
  std::optional<rlimit> nofile;  ///< what the master itself was given, before it raised its own
};

/// "LISTEN_PID=" with room for any pid: only the child knows its own.
inline constexpr std::string_view kListenPid = "LISTEN_PID=";
inline constexpr std::size_t kListenPidDigits = 10;

/// Who a worker is.
struct WorkerIdentity {
  std::string slot;  ///< "web:0"
  Generation generation{};
  std::string notify_socket;
};

using Environment = std::map<std::string, std::string>;

/// The master's own environment, less what was meant for the master alone: NOTIFY_SOCKET, LISTEN_*,
/// WATCHDOG_*, REEVE_* and systemd's per-unit descriptors.
[[nodiscard]] Environment inheritable_environment(const char* const* environment);

/// All of a plan but its descriptors. The listeners of `pool` will be 3 and up, in order, then the
/// channel and the recorder.
[[nodiscard]] LaunchPlan plan_launch(const PoolConfig& pool, const Environment& inherited,
                                     const WorkerIdentity& identity);

/// `command` with each ${fd:NAME} replaced by the number that listener NAME will have.
[[nodiscard]] std::vector<std::string> expand_command(const std::vector<std::string>& command,
                                                      const std::vector<std::string>& listen);

}  // namespace reeve::supervisor
