#pragma once
// Collects dead children: workers, and processes that they have orphaned, since the master is a
// subreaper and may be pid 1. Knows no worker; its owner does. Loop thread.

#include <sys/types.h>

#include <functional>

#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

/// Orphaned descendants become children of the master from now on (PR_SET_CHILD_SUBREAPER).
void become_subreaper();

class Reaper {
 public:
  /// Called when `pid` has died but is still a zombie, so that the number cannot have gone to
  /// another process: the last moment to signal its group.
  using BeforeReap = std::function<void(pid_t pid)>;
  /// Called after it was reaped: from now on the number means nothing.
  using OnExit = std::function<void(pid_t pid, const Death& death)>;

  Reaper(BeforeReap before_reap, OnExit on_exit);

  /// SIGCHLD was seen. Reaping itself waits for the end of the turn.
  void child_changed() { pending_ = true; }
  /// To be called at the end of each turn of the loop, after its reads. `read_first` is called for
  /// each zombie and takes what may still lie in sockets that all children share: the last words of
  /// a worker are older than its death, and must not be taken for those of the next with its pid.
  /// Reaps kMostATurn at most: while pending(), the loop must turn again without waiting.
  void reap_if_pending(const std::function<void()>& read_first);
  [[nodiscard]] bool pending() const { return pending_; }

  static constexpr int kMostATurn = 256;

 private:
  BeforeReap before_reap_;
  OnExit on_exit_;
  bool pending_ = false;
};

/// The meaning of a wait status.
[[nodiscard]] Death death_of(int wait_status);

}  // namespace reeve::supervisor
