#pragma once
// For starting a thread: while it lives, the caller's signals are blocked, which a thread started
// meanwhile inherits. Signals are the loop thread's business; not those that are about the thread
// itself: its crash, and its stack.

#include <signal.h>

#include "ipc/recorder/black_box.hpp"

namespace reeve::worker {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, ipc::stack_signal()}) {
      sigdelset(&all, own);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace reeve::worker
