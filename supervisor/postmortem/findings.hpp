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

/// What was found, a line each.
struct Findings {
  std::vector<std::string> first;  ///< what matters: a few lines
  std::vector<std::string> rest;

  bool operator==(const Findings&) const = default;
};

/// First the first thread's doing, and the one stack that matters of those that it wrote itself;
/// then what it uses, each further thread's doing, and all stacks. `native` names the first thread
/// the loop thread.
[[nodiscard]] Findings findings(const Looks& looks, const ipc::BlackBoxReading& box, bool native);

/// Every thread is stopped: no handler can run, and no signal but KILL and CONT does anything.
[[nodiscard]] bool is_stopped(const ProcFacts& facts);

}  // namespace reeve::supervisor
