#pragma once
// Writes into the recorder that the loop turns, and how late. Once a second: often enough to tell a
// blocked loop from an idle one long before any grace has passed, seldom enough for 500 idle
// workers on one core; more often only where a watchdog is shorter than three seconds.

#include <chrono>
#include <optional>

#include "ipc/base/uv.hpp"
#include "ipc/recorder/recorder.hpp"

namespace reeve::worker {

class Heartbeat {
 public:
  static constexpr std::chrono::milliseconds kPeriod{1'000};

  Heartbeat(ipc::uv::Loop& loop, ipc::RecorderPage& page,
            std::chrono::milliseconds period = kPeriod);

  /// Two beats may be lost, or late, before the watchdog bites.
  [[nodiscard]] static std::chrono::milliseconds period_for(
      std::optional<std::chrono::microseconds> watchdog);

 private:
  void beat();

  ipc::RecorderPage& page_;
  std::chrono::milliseconds period_;
  ipc::TimePoint due_;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::worker
