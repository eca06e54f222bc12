// Alone: its test needs a loop and a page, and nothing else of a process.

#include "worker/process/heartbeat.hpp"

#include <algorithm>
#include <atomic>

namespace reeve::worker {

Heartbeat::Heartbeat(ipc::uv::Loop& loop, ipc::RecorderPage& page, std::chrono::milliseconds period)
    : page_(page),
      period_(period),
      due_(ipc::Clock::now()),
      timer_(loop, [this] { beat(); }, ipc::uv::Timer::Manner::Quiet) {
  beat();
}

std::chrono::milliseconds Heartbeat::period_for(std::optional<std::chrono::microseconds> watchdog) {
  if (!watchdog) return kPeriod;
  const auto third = std::chrono::duration_cast<std::chrono::milliseconds>(*watchdog / 3);
  return std::clamp(third, std::chrono::milliseconds(1), kPeriod);
}

void Heartbeat::beat() {
  // The real time, not the loop's: a turn that was late is what is measured here.
  const ipc::TimePoint now = ipc::Clock::now();
  const auto lag = std::chrono::duration_cast<std::chrono::microseconds>(now - due_).count();
  page_.heartbeat_ns.store(ipc::to_nanoseconds(now), std::memory_order_relaxed);
  page_.loop_lag_us.store(static_cast<std::uint64_t>(std::max<std::int64_t>(lag, 0)),
                          std::memory_order_relaxed);
  due_ = now + period_;
  timer_.arm(period_);
}

}  // namespace reeve::worker
