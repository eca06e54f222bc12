#include "worker/scheduler/scheduled_reports.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace reeve::worker {

ScheduledReports::ScheduledReports(ipc::uv::Loop& loop, std::size_t count,
                                   std::function<void(const ipc::ScheduledReport&)> send)
    : loop_(loop), send_(std::move(send)), entries_(count), timer_(loop, [this] { send_due(); }) {}

void ScheduledReports::changed(std::size_t index) {
  entries_[index].changed = true;
  if (!timer_.armed()) send_due();
}

void ScheduledReports::flush() {
  for (Entry& entry : entries_) {
    if (entry.changed) send(entry);
  }
  timer_.disarm();
}

void ScheduledReports::send_due() {
  const ipc::TimePoint now = loop_.now();
  std::optional<ipc::TimePoint> next;
  for (Entry& entry : entries_) {
    if (!entry.changed) continue;
    if (entry.not_before <= now) {
      send(entry);
    } else {
      next = std::min(next.value_or(entry.not_before), entry.not_before);
    }
  }
  if (next) timer_.arm(*next - now);
}

void ScheduledReports::send(Entry& entry) {
  entry.changed = false;
  entry.not_before = loop_.now() + kPause;
  if (send_) send_(entry.report);
}

}  // namespace reeve::worker
