#pragma once
// What two looks at a process, a moment apart, say about how it hangs: it spins, it is blocked, it
// is stopped. Pure.

#include <string>
#include <vector>

#include "ipc/recorder/black_box.hpp"
#include "supervisor/core/types.hpp"
#include "supervisor/system/proc_reader.hpp"

namespace reeve::supervisor {

/// Two looks, `between` apart.
struct Looks {
  ProcFacts first;
  ProcFacts second;
  Duration between{};
};

/// "spins: 98 % CPU", "blocked in futex_wait", "stopped (SIGSTOP)".
[[nodiscard]] std::string how_it_hangs(const ThreadFacts& before, const ThreadFacts& after,
                                       Duration between);

/// All of it, a line each: the first thread's doing, what it uses, each further thread's, and the
/// stacks that it wrote itself. `native` names the first thread the loop thread.
[[nodiscard]] std::vector<std::string> findings(const Looks& looks, const ipc::BlackBoxReading& box,
                                                bool native);

/// Every thread is stopped: no handler can run, and no signal but KILL and CONT does anything.
[[nodiscard]] bool is_stopped(const ProcFacts& facts);

}  // namespace reeve::supervisor
