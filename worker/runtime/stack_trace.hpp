#pragma once
// Writes the stack of the calling thread into a black box. Async-signal-safe as far as unwinding
// is: the unwinder takes no lock and allocates nothing with glibc 2.35 and later.

#include "ipc/black_box.hpp"
#include "worker/runtime/symbolizer.hpp"

namespace reeve::worker {

/// `context` is the third argument of the signal handler: what was interrupted comes first, the
/// handler itself is left out. One line a function.
void write_stack(ipc::BlackBoxWriter out, Symbolizer& symbolizer, const void* context);

/// "thread 1234 (web)", of the caller.
void write_thread_name(ipc::BlackBoxWriter out);

}  // namespace reeve::worker
