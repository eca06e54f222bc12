#include "supervisor/system/signals.hpp"

#include <fcntl.h>

#include "ipc/base/signals.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {
namespace {

/// Without one the open fails with ENXIO.
bool in_terminal() {
  const ipc::UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  return bool(terminal);
}

}  // namespace

void block_signals() {
  ipc::uv::block_signals(kHandledSignals);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // A file-size limit costs lines of the log, as a full disk does.
  // A parent that ignores SIGCHLD (some init scripts do) passes that on, and no zombie would be
  // left to wait for.
  std::signal(SIGCHLD, SIG_DFL);
}

void reset_signals() {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) ::sigaction(signal, &standard, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Terminal::Terminal() {
  struct sigaction hang_up{};
  const bool ignored = ::sigaction(SIGHUP, nullptr, &hang_up) == 0 && hang_up.sa_handler == SIG_IGN;
  had_ = !ignored && in_terminal();
}

bool Terminal::lost() const { return had_ && !in_terminal(); }

}  // namespace reeve::supervisor
