#pragma once
// Processes as /proc shows them: who descends from whom, threads, state. Also cleans up after the
// suite: the test is a subreaper, so what a killed master leaves behind becomes its child, is
// found, and is killed.

#include <sys/types.h>

#include <vector>

namespace reeve::e2e {

/// One process as /proc/PID/stat shows it.
struct ProcessInfo {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  char state = '?';  ///< 'Z': ended, and not yet reaped
  int threads = 0;
};

/// Everything that descends from `root`, without `root` itself; no order.
[[nodiscard]] std::vector<ProcessInfo> descendants(pid_t root);

/// Makes this process inherit the orphans of its descendants. Once, before the first child.
void adopt_orphans();

/// Kills and reaps every descendant of this process, until there is none (bounded).
void kill_descendants();

}  // namespace reeve::e2e
