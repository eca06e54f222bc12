#pragma once
// Limits after which the runtime reports that a worker is stuck, and what is to blame.

#include <chrono>

namespace reeve {

/// The two classic failures of an async server, told apart while they last: in the log, with the
/// route; in `reevectl why` and `reevectl status`.
struct WatchLimits {
  /// Starvation of the event loop: one step of a coroutine has the loop for longer than this
  /// without a `co_await` that waits, so every other request of the worker waits. The log names the
  /// route and shows the stack. Measured at least every 50 ms; zero or less: not watched.
  ///
  /// To show the stack, the loop thread is interrupted by a signal (SIGRTMIN + 3), and every thread
  /// is when the master asks for the stacks of a worker that hangs. The handler is installed with
  /// SA_RESTART, so that read(), write(), accept(), connect(), waitpid(), flock() and locks go on.
  /// Calls that no signal lets go on (signal(7)) fail with EINTR and are to be repeated: sleep(),
  /// usleep() and nanosleep(), poll(), ppoll(), select(), pselect() and epoll_wait(), semop(),
  /// sigtimedwait(), and reads, writes and connects of a socket with a timeout (SO_RCVTIMEO,
  /// SO_SNDTIMEO). std::this_thread::sleep_for() repeats them itself.
  std::chrono::milliseconds loop{250};
  /// Exhaustion of the thread pool: every thread is taken, and work has waited for one for longer
  /// than this, or was refused. The log names the routes that have the threads. Zero or less: not
  /// watched.
  std::chrono::milliseconds pool{1'000};
};

}  // namespace reeve
