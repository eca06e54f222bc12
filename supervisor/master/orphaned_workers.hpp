#pragma once
// The workers of a master that was killed: they got their stop signal with its death, but one that
// ignores that, or hangs, would keep the listeners and serve an old version for ever. The next
// master in the same runtime directory ends them before it serves. Start-up only: it blocks, within
// the grace.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

struct OrphanedWorker {
  pid_t pid = 0;
  ipc::UniqueFd pidfd;   ///< stays right when the pid is used again
  std::string slot;      ///< "web:0"; empty: one that a worker has started
  int stop_signal = 15;  ///< that it hears first; SIGTERM
};

/// The master before this one, whose workers are looked for.
struct FormerMaster {
  std::string notify_socket;  ///< which its workers have in their environment
  std::string cgroup_base;    ///< below which they are; empty: nowhere
};

/// Every process that still lives of the workers of that master; never this one or its ancestors.
[[nodiscard]] std::vector<OrphanedWorker> find_orphaned_workers(const FormerMaster& master);

/// The stop signal of each; what is left after the grace, or when `hurry()` says so, gets KILL.
/// Returns how many were killed.
int end_orphaned_workers(const std::vector<OrphanedWorker>& orphans, ipc::Duration grace,
                         const std::function<bool()>& hurry);

/// The REEVE_SLOT in the text of /proc/PID/environ if it belongs to a worker of that master, whose
/// notify socket is in it too; none: it does not. Pure.
[[nodiscard]] std::optional<std::string> slot_in_environment(std::string_view environment,
                                                             std::string_view notify_socket);

}  // namespace reeve::supervisor
