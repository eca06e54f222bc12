#pragma once
// What a thread of a worker needs for signals: a stack for handlers, and a mask for the threads
// that it starts. Any thread.

#include <signal.h>

#include "ipc/recorder/black_box.hpp"

namespace reeve::worker {

/// A stack for the signal handlers of one thread: without it a thread that has overflown its own
/// could not say so. Costs address space, and memory only once it is used. Under a sanitizer, which
/// has its own, it is nothing. To be destroyed by the thread that made it.
class AlternateStack {
 public:
  AlternateStack();
  ~AlternateStack();
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  void* memory_ = nullptr;  // Null: none could be had, or there is one already.
};

/// Blocks the caller's signals while it lives, so that a thread started meanwhile inherits that.
/// Signals are the loop thread's business, except those about a thread itself: its crash, its
/// stack.
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

/// Built with a sanitizer, which has signal handlers of its own.
[[nodiscard]] constexpr bool is_sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

}  // namespace reeve::worker
