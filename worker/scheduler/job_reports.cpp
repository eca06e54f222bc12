#include "worker/scheduler/job_reports.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace reeve::worker {

JobReports::JobReports(ipc::uv::Loop& loop, std::size_t jobs,
                       std::function<void(const ipc::JobReport&)> send)
    : loop_(loop), send_(std::move(send)), entries_(jobs), timer_(loop, [this] { send_due(); }) {}

void JobReports::changed(std::size_t job) {
  entries_[job].changed = true;
  if (!timer_.armed()) send_due();
}

void JobReports::flush() {
  for (Entry& entry : entries_) {
    if (entry.changed) send(entry);
  }
  timer_.disarm();
}

void JobReports::send_due() {
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

void JobReports::send(Entry& entry) {
  entry.changed = false;
  entry.not_before = loop_.now() + kPause;
  if (send_) send_(entry.report);
}

}  // namespace reeve::worker
