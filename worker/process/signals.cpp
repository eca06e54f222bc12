// Small: the start of the process and the test of its last moments both need it.

#include "worker/process/signals.hpp"

#include <signal.h>

#include "ipc/recorder/black_box.hpp"

namespace reeve::worker {

void ignore_stray_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  // The master may ask for stacks in the moment in which the worker ends: it must end well.
  struct sigaction present{};
  const int asked = ipc::stack_signal();
  if (::sigaction(asked, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) {
    ::signal(asked, SIG_IGN);
  }
}

}  // namespace reeve::worker
