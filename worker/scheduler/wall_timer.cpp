#include "worker/scheduler/wall_timer.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace reeve::worker {
namespace {

ipc::UniqueFd open_timer() {
  ipc::UniqueFd fd(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!fd) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  return fd;
}

}  // namespace

WallTimer::WallTimer(ipc::uv::Loop& loop, std::function<void()> on_fire)
    : fd_(open_timer()),
      on_fire_(std::move(on_fire)),
      poll_(loop, fd_.get(), [this](int) { read(); }) {
  poll_.watch(UV_READABLE);
}

void WallTimer::arm(WallTime at) {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  const auto since_epoch = std::max(at.time_since_epoch(), std::chrono::milliseconds(1));
  const auto whole = std::chrono::floor<seconds>(since_epoch);
  itimerspec spec{};
  spec.it_value.tv_sec = whole.count();
  spec.it_value.tv_nsec = nanoseconds(since_epoch - whole).count();
  ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, nullptr);
}

void WallTimer::disarm() {
  const itimerspec spec{};
  ::timerfd_settime(fd_.get(), 0, &spec, nullptr);
}

void WallTimer::read() {
  std::uint64_t times = 0;
  // ECANCELED: the clock was set.
  if (::read(fd_.get(), &times, sizeof times) < 0 && errno != ECANCELED) return;
  on_fire_();
}

}  // namespace reeve::worker
