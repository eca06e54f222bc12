#include "worker/process/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "ipc/recorder/black_box.hpp"

namespace reeve::worker {
namespace {

ipc::UniqueFd open_signalfd(std::initializer_list<int> watched) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : watched) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ipc::UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw std::system_error(errno, std::generic_category(), "signalfd");
  return fd;
}

}  // namespace

Signals::Signals(ipc::uv::Loop& loop, std::initializer_list<int> watched,
                 std::function<void(int)> on_signal)
    : fd_(open_signalfd(watched)),
      on_signal_(std::move(on_signal)),
      poll_(loop, fd_.get(), [this](int) { read(); }) {
  poll_.watch(UV_READABLE);
}

void Signals::read() {
  signalfd_siginfo info;
  while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

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
