#pragma once
// The stack of one thread of this process, asked for by another of its threads while both go on: it
// shows what a coroutine does that blocks the loop. Asks by the signal of thread_stacks.hpp, with a
// mark that tells it from the master's question.

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "ipc/base/clock.hpp"

namespace reeve::worker {

/// From now on the handler of ipc::stack_signal() calls answer_stack_probe(), or no longer. Without
/// such a handler the signal would be deadly, so that nobody is asked.
void allow_stack_probes(bool allowed);

/// For the handler of that signal. False when the signal was not a probe's. Async-signal-safe as
/// far as unwinding is, see stack_trace.hpp.
[[nodiscard]] bool answer_stack_probe(const siginfo_t& info, const void* context);

/// The functions on the stack of thread `tid`, the innermost first, as readable as their names are.
/// The handler is installed with SA_RESTART, so that most system calls that it interrupts go on;
/// those that never do (signal(7)) fail with EINTR, see WatchLimits::loop. Empty when it does not
/// answer in time: it blocks the signal, sleeps in the kernel, or a sanitizer keeps the signal
/// back. Any thread but `tid`; one at a time.
[[nodiscard]] std::vector<std::string> probe_stack(pid_t tid, ipc::Duration patience);

}  // namespace reeve::worker
