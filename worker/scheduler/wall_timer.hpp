#pragma once
// Fires at a time of the wall clock, and when that clock is set: by NTP's step, by a person, or by
// the end of a suspend (timerfd_create(2): TFD_TIMER_CANCEL_ON_SET). In between it costs nothing.
// Loop thread only.

#include <functional>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "reeve/schedule.hpp"

namespace reeve::worker {

class WallTimer {
 public:
  /// Throws std::system_error when there is no fd left for it.
  WallTimer(ipc::uv::Loop& loop, std::function<void()> on_fire);

  /// Replaces the time before. A time that has passed fires at once.
  void arm(WallTime at);
  void disarm();

 private:
  void read();

  ipc::UniqueFd fd_;
  std::function<void()> on_fire_;
  ipc::uv::Poll poll_;
};

}  // namespace reeve::worker
