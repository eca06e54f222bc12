#pragma once
// Blocks the caller's signals while it lives, so that a thread started meanwhile inherits that.
// Signals are the loop thread's business, except those about a thread itself: its crash, its stack.

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
