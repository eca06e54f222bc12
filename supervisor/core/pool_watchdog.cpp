// The watchdog: one measurement for the whole pool, however many workers it has. A worker is judged
// when it is measured and at no other time, so that nobody is killed on what was known before.
#include <algorithm>
#include <chrono>

#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {
namespace {

/// Requests and memory grow slowly; a leak is found soon enough.
constexpr Duration kRecyclePeriod = std::chrono::seconds(10);
/// However short the watchdog is.
constexpr Duration kShortestPeriod = std::chrono::milliseconds(10);

}  // namespace

void Pool::take(const Measured& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end() || !found->second.alive_at) return;  // Boots, or never came up.
  Worker& worker = found->second;
  if (event.sign_of_life) {  // One from the future would put the watchdog to sleep.
    worker.alive_at = std::max(*worker.alive_at, std::min(*event.sign_of_life, now_));
  }
  if (is_hung(worker, event)) {
    worker.silent_for = now_ - *worker.alive_at;
    kill(worker, KillReason::Hung);
  } else {
    note_due(worker, event);
  }
}

void Pool::take(const Hung& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end() || found->second.phase != WorkerPhase::Serving) return;
  found->second.hung_because = event.why;
  kill(found->second, KillReason::Hung);
}

/// Silence counts up to the time of the measurement: what came while the master was late may still
/// lie in its sockets.
bool Pool::is_hung(const Worker& worker, const Measured& found) const {
  if (!worker.watchdog || !worker.alive_at) return false;
  const Duration silence = std::min(now_, measure_at_.value_or(now_)) - *worker.alive_at;
  switch (worker.phase) {
    case WorkerPhase::Serving:
      return silence >= *worker.watchdog;
    case WorkerPhase::Draining:
      return silence >= *worker.watchdog && found.native && found.sign_of_life;
    case WorkerPhase::Starting:
    case WorkerPhase::Killed:
      break;
  }
  return false;
}

std::optional<TimePoint> Pool::next_measurement() const { return measure_at_; }

/// Short enough that a hang is found a quarter of the watchdog late at most.
std::optional<Duration> Pool::measurement_period() const {
  std::optional<Duration> period;
  const auto at_most = [&period](Duration other) {
    period = std::min(period.value_or(other), other);
  };
  for (const auto& [id, worker] : workers_) {
    const bool serves = worker.phase == WorkerPhase::Serving;
    const bool drains = worker.phase == WorkerPhase::Draining && worker.alive_at;
    if (worker.watchdog && (serves || drains)) {
      at_most(std::max(*worker.watchdog / 4, kShortestPeriod));
    }
    const bool grows = worker.recycle.requests || worker.recycle.memory_bytes;
    if (grows && serves && worker.due.empty()) at_most(kRecyclePeriod);
  }
  return period;
}

void Pool::plan_measurement() {
  const auto period = measurement_period();
  if (!period) {
    measure_at_.reset();
  } else {
    measure_at_ = std::min(measure_at_.value_or(now_ + *period), now_ + *period);
  }
}

}  // namespace reeve::supervisor
