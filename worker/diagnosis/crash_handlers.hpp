#pragma once
// Signal handlers that write into the black box what is wrong with a worker: the stacks of its
// threads when the master asks for them, the stack of a crash, the exception that nobody caught.
// Handlers that the application has set stay; under a sanitizer, which reports crashes itself, none
// is set. Afterwards each signal does what it did before.

#include <signal.h>

#include <optional>

#include "ipc/recorder/recorder.hpp"
#include "worker/task/thread_signals.hpp"

namespace reeve::worker {

class CrashHandlers {
 public:
  /// Without a master nobody would read it: then this does no more than let the threads of the
  /// process ask for each other's stacks, see stack_signal.hpp. One at a time, and not after
  /// another thread was started that blocks signals. The recorder outlives this.
  explicit CrashHandlers(const ipc::Recorder& recorder);
  ~CrashHandlers();
  CrashHandlers(const CrashHandlers&) = delete;
  CrashHandlers& operator=(const CrashHandlers&) = delete;

 private:
  void open_box(ipc::BlackBox& into);

  std::optional<AlternateStack> stack_;  // None: there is one of these already.
  sighandler_t stack_signal_ = SIG_DFL;  // What that signal did before.
};

}  // namespace reeve::worker
