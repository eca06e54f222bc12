#pragma once
// The signals that a worker ignores. Those that it handles are input of its loop
// (ipc::uv::Signals).

namespace reeve::worker {

/// SIGPIPE would end the process when a client leaves, SIGHUP when a terminal closes, and a request
/// for stacks (ipc::stack_signal(), unless the program handles it) when nobody answers any more.
void ignore_stray_signals();

}  // namespace reeve::worker
