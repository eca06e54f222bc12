#pragma once
// The signals of the master: those that it handles, as ordinary input of its loop
// (ipc::uv::Signals), and those that it ignores.

#include <csignal>
#include <initializer_list>

namespace reeve::supervisor {

inline constexpr std::initializer_list<int> kHandledSignals = {
    SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};

/// Blocks every signal that the master handles, and ignores SIGPIPE and SIGXFSZ, whose writes then
/// fail. First thing in run(). Children undo both before exec.
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

}  // namespace reeve::supervisor
