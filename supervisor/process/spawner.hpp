#pragma once
// fork, then exec. The child gets what its plan lists and nothing else of the master: its own
// process group, its own signals, and no descriptor beyond the listed ones. Loop thread of a
// process that has no other thread.

#include <sys/types.h>

#include <optional>
#include <string>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "supervisor/process/launch_plan.hpp"

namespace reeve::supervisor {

struct Spawned {
  pid_t pid;
  ipc::UniqueFd exec_status;  ///< for read_exec_status; non-blocking, readable once exec is decided
};

/// Forks. Returns at once: whether exec succeeds shows later, in `exec_status`. An error (EAGAIN,
/// EMFILE, ENOMEM) means that no process was made.
[[nodiscard]] ipc::Result<Spawned> spawn(const LaunchPlan& plan);

enum class ExecStatus : std::uint8_t { Pending, Succeeded, Failed };

struct ExecResult {
  ExecStatus status = ExecStatus::Pending;
  std::string error;  ///< Failed: "exec /bin/x: No such file or directory"
  int code = 0;       ///< Failed: its errno
};
[[nodiscard]] ExecResult read_exec_status(int fd, const LaunchPlan& plan);

/// Whether an errno tells of what passes by itself, or once others leave some.
[[nodiscard]] bool is_shortage(int error);

}  // namespace reeve::supervisor
