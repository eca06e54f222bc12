#include "ipc/base/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace reeve::ipc::uv {
namespace {

constexpr int kSignalsATurn = 16;  // Somebody who sends them without pause holds up nobody.

UniqueFd open_signalfd(std::initializer_list<int> watched) {
  const sigset_t set = block_signals(watched);
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw std::system_error(errno, std::generic_category(), "signalfd");
  return fd;
}

}  // namespace

sigset_t block_signals(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

Signals::Signals(Loop& loop, std::initializer_list<int> watched, std::function<void(int)> on_signal)
    : fd_(open_signalfd(watched)),
      on_signal_(std::move(on_signal)),
      poll_(loop, fd_.get(), [this](int) { read(); }) {
  poll_.watch(UV_READABLE);
}

void Signals::read() {
  signalfd_siginfo info{};
  for (int i = 0; i < kSignalsATurn; ++i) {
    if (::read(fd_.get(), &info, sizeof info) != sizeof info) return;
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace reeve::ipc::uv
