#pragma once
// The helper's process: this same binary, executed anew, so that nothing of the master's memory is
// in it. Gets the socket and nothing else: no listener, channel, lock or variable beyond a few.
// Runs as nobody where the master is root, without a way back, and ends with the master.

#include <sys/types.h>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

struct StartedHelper {
  pid_t pid = 0;
  ipc::UniqueFd socket;  ///< the master's end: SOCK_SEQPACKET, non-blocking, CLOEXEC
};

/// Forks and executes; loop thread of a process that has no other thread. Whether exec succeeds
/// shows in the end of the process.
[[nodiscard]] ipc::Result<StartedHelper> start_helper();

/// The command line is the one that start_helper() gives.
[[nodiscard]] bool is_helper(int argc, const char* const* argv);
/// What main() does in such a process, until the master is gone: asks all probes at a time, and
/// looks up one user after the other, each for as long as it takes. Returns the exit code.
[[nodiscard]] int run_helper();

}  // namespace reeve::supervisor
