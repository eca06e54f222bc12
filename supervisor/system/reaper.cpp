#include "supervisor/system/reaper.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <utility>

namespace reeve::supervisor {
namespace {

/// A dead child that is still a zombie; 0 when there is none.
pid_t next_zombie() {
  siginfo_t info{};
  const int result = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
  return result == 0 ? info.si_pid : 0;
}

}  // namespace

void become_subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

Reaper::Reaper(BeforeReap before_reap, OnExit on_exit)
    : before_reap_(std::move(before_reap)), on_exit_(std::move(on_exit)) {}

void Reaper::reap_if_pending(const std::function<void()>& read_first) {
  if (!std::exchange(pending_, false)) return;
  for (int reaped = 0; const pid_t pid = next_zombie(); ++reaped) {
    if (reaped == kMostATurn) {
      pending_ = true;
      return;
    }
    read_first();  // A zombie says nothing more; once reaped, its number may speak for another.
    before_reap_(pid);
    int status = 0;
    if (::waitpid(pid, &status, 0) == pid) on_exit_(pid, death_of(status));
  }
}

Death death_of(int wait_status) {
  Death death;
  if (WIFSIGNALED(wait_status)) {
    death.signal = WTERMSIG(wait_status);
    death.core_dumped = WCOREDUMP(wait_status);
  } else {
    death.exit_code = WEXITSTATUS(wait_status);
  }
  return death;
}

}  // namespace reeve::supervisor
