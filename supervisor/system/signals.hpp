#pragma once
// The master's signals, read from a signalfd as ordinary input of its loop. No handler ever runs,
// and no child inherits a signal pipe (libuv's own is shared by forks and would make phantom
// signals).

#include <functional>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"

namespace reeve::supervisor {

/// Blocks every signal that the master handles, and ignores SIGPIPE and SIGXFSZ, whose
/// writes then fail. First thing in run(): what
/// arrives from then on waits for a SignalSource. Children undo both before exec.
void block_signals();

/// Undoes it in a child: a program expects signals neither ignored nor blocked. Async-signal-safe.
void reset_signals();

/// The terminal in which the master was started, if it was. It takes SIGHUP for the loss of that,
/// unless SIGHUP was ignored at the start, as nohup(1) does.
class Terminal {
 public:
  Terminal();
  /// There was one, and it is gone.
  [[nodiscard]] bool lost() const;

 private:
  bool had_;
};

class SignalSource {
 public:
  /// Throws std::system_error when the kernel has no descriptor left; start-up only.
  SignalSource(ipc::uv::Loop& loop, std::function<void(int signal)> on_signal);

 private:
  void read_all();

  ipc::UniqueFd fd_;
  std::function<void(int)> on_signal_;
  ipc::uv::Poll poll_;
};

}  // namespace reeve::supervisor
