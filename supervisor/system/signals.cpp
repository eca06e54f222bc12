#include "supervisor/system/signals.hpp"

#include <fcntl.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace reeve::supervisor {
namespace {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal :
       {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU}) {
    sigaddset(&set, signal);
  }
  return set;
}

ipc::UniqueFd open_signalfd() {
  const sigset_t set = handled_signals();
  ipc::UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw std::system_error(errno, std::generic_category(), "signalfd");
  return fd;
}

/// Without one the open fails with ENXIO.
bool in_terminal() {
  const ipc::UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  return bool(terminal);
}

}  // namespace

void block_signals() {
  const sigset_t set = handled_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
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

SignalSource::SignalSource(ipc::uv::Loop& loop, std::function<void(int)> on_signal)
    : fd_(open_signalfd()),
      on_signal_(std::move(on_signal)),
      poll_(loop, fd_.get(), [this](int) { read_all(); }) {
  poll_.watch(UV_READABLE);
}

void SignalSource::read_all() {
  constexpr int kSignalsATurn = 16;  // Somebody who sends them without pause holds up nobody.
  signalfd_siginfo info{};
  for (int i = 0; i < kSignalsATurn; ++i) {
    if (::read(fd_.get(), &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) return;
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace reeve::supervisor
