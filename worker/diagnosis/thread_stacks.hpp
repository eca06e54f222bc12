#pragma once
// The stacks of all threads, one after the other: the thread that is asked asks the others, by the
// same signal, and waits a moment for each. Called by the handler of that signal, in any thread.
// Async-signal-safe, see stack_trace.hpp.

#include "ipc/recorder/black_box.hpp"

namespace reeve::worker {

/// `context` is that of the handler. In the first thread this writes all stacks, once; in another
/// its own, when it is its turn.
void write_thread_stacks(ipc::BlackBox& into, const void* context);

}  // namespace reeve::worker
