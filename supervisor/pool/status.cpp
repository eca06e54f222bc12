#include "supervisor/pool/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "ipc/recorder/reader.hpp"
#include "supervisor/core/process_name.hpp"

namespace reeve::supervisor {
namespace {

std::string detail_of(const PoolRunner& pool, const Slot& slot, TimePoint now) {
  if (slot.state == SlotState::Stopped && !pool.held_for().empty()) return pool.held_for();
  if (!slot.retry_at) return slot.why;
  const Duration left = std::max(Duration::zero(), *slot.retry_at - now);
  return fmt::format("{}; next try in {}", slot.why, short_duration(left));
}

void add_worker(ipc::control::Process& line, const Worker& worker, const Process& process,
                TimePoint now) {
  line.pid = process.pid().value_or(0);
  line.generation = static_cast<std::uint64_t>(worker.generation);
  line.status_text = process.status_text();
  if (const auto state = process.state()) line.worker_state = ipc::to_string(*state);
  if (const auto reading = ipc::read(process.recorder_page(), now)) {
    line.requests = reading->requests;
    line.in_flight = reading->in_flight;
    line.trouble = fmt::format("{}", fmt::join(ipc::troubles_now(*reading), "; "));
    if (line.worker_state.empty() && reading->state) {
      line.worker_state = ipc::to_string(*reading->state);
    }
  }
}

}  // namespace

std::vector<ipc::control::Process> status_of(const PoolRunner& pool, const SlotSet& slots,
                                             TimePoint now) {
  std::vector<ipc::control::Process> lines;
  for (const Slot& slot : pool.pool().slots()) {
    if (!slots.empty() && !slots.contains(slot.index)) continue;
    const Worker* worker = slot.current ? pool.pool().find(*slot.current) : nullptr;
    const Process* process = slot.current ? pool.find(*slot.current) : nullptr;
    // A successor took over without a change of the slot's state; the uptime is the worker's own.
    const bool serves = worker != nullptr && worker->phase == WorkerPhase::Serving;
    const TimePoint since = serves ? worker->phase_since : slot.since;

    ipc::control::Process line;
    line.name = process_name(pool.name(), slot.index);
    line.state = to_string(slot.state);
    line.uptime = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max(Duration::zero(), now - since));
    line.detail = detail_of(pool, slot, now);
    if (worker != nullptr && process != nullptr) add_worker(line, *worker, *process, now);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> troubles_of(const PoolRunner& pool, const Slot& slot, TimePoint now) {
  const Process* process = slot.current ? pool.find(*slot.current) : nullptr;
  if (process == nullptr) return {};
  std::vector<std::string> troubles;
  if (const auto reading = ipc::read(process->recorder_page(), now)) {
    troubles = ipc::troubles(*reading, ipc::Tense::Present);
  }
  if (process->state() == ipc::WorkerState::Error && !process->status_text().empty()) {
    troubles.insert(troubles.begin(), "its state is Error: " + process->status_text());
  }
  return troubles;
}

}  // namespace reeve::supervisor
