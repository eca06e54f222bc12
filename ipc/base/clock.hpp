#pragma once
// The one clock: CLOCK_MONOTONIC, which neither jumps nor counts a suspend (clock_gettime(2)).
// Both processes read the same clock, so its values may cross between them.

#include <chrono>
#include <cstdint>

namespace reeve::ipc {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC on Linux.
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

inline std::uint64_t to_nanoseconds(TimePoint at) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}

inline TimePoint from_nanoseconds(std::uint64_t ns) {
  return TimePoint(std::chrono::duration_cast<Duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(ns))));
}

}  // namespace reeve::ipc
