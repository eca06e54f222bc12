#pragma once
// The stacks of threads that run: a thread is asked by ipc::stack_signal(), and answers in its
// handler. Two ask: the master for the stacks of all threads, of which the first thread asks the
// others, one after the other; and a thread for the stack of one other, while both go on: it shows
// what a coroutine does that blocks the loop. Async-signal-safe as far as unwinding is, see
// stack_trace.hpp.

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/recorder/black_box.hpp"

namespace reeve::worker {

/// From now on the handler of that signal calls answer_stack_probe(), or no longer. Without such a
/// handler the signal would be deadly, so that nobody is asked.
void allow_stack_probes(bool allowed);

/// For the handler. False when the signal was not a probe's.
[[nodiscard]] bool answer_stack_probe(const siginfo_t& info, const void* context);

/// For the handler, of the master's question. In the first thread this writes all stacks, once; in
/// another its own, when it is its turn.
void write_thread_stacks(ipc::BlackBox& into, const void* context);

/// The functions on the stack of thread `tid`, the innermost first, as readable as their names are.
/// The handler is installed with SA_RESTART, so that most system calls that it interrupts go on;
/// those that never do (signal(7)) fail with EINTR, see WatchLimits::loop. Empty when it does not
/// answer in time: it blocks the signal, sleeps in the kernel, or a sanitizer keeps the signal
/// back. Any thread but `tid`; one at a time.
[[nodiscard]] std::vector<std::string> probe_stack(pid_t tid, ipc::Duration patience);

}  // namespace reeve::worker
