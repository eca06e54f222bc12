#include "supervisor/pool/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "ipc/recorder/reader.hpp"

namespace reeve::supervisor {
namespace {

using ipc::control::Reply;

/// "starting for 4 s of 60 s; last line: connecting"
std::string how_it_starts(const PoolRunner& pool, const Slot& slot, TimePoint now) {
  const Worker* worker = pool.pool().find(*slot.current);
  const Process* process = pool.find(*slot.current);
  if (worker == nullptr || process == nullptr) return slot.why;
  std::string text = fmt::format("starting for {}", short_duration(now - worker->forked_at));
  if (const auto end = worker->ready_at ? worker->ready_at : worker->deadline) {
    text += fmt::format(" of {}", short_duration(*end - worker->forked_at));
  }
  const auto& lines = process->last_lines();
  return lines.empty() ? text : fmt::format("{}; last line: {}", text, lines.back());
}

std::string detail_of(const PoolRunner& pool, const Slot& slot, TimePoint now) {
  if (slot.state == SlotState::Stopped && !pool.held_for().empty()) return pool.held_for();
  if (slot.state == SlotState::Starting && slot.current) return how_it_starts(pool, slot, now);
  if (!slot.retry_at) return slot.why;
  const Duration left = std::max(Duration::zero(), *slot.retry_at - now);
  return fmt::format("tries again in {}, after: {}", short_duration(left), slot.why);
}

void add_worker(ipc::control::Process& line, const PoolRunner& pool, const Worker& worker,
                const Process& process, TimePoint now) {
  line.pid = process.pid().value_or(0);
  line.generation = static_cast<std::uint64_t>(worker.generation);
  line.status = process.status_text();
  if (const auto state = process.worker_state()) line.worker_state = ipc::to_string(*state);
  if (const auto reading = ipc::read(process.recorder_page(), now)) {
    line.requests = reading->requests;
    line.in_flight = reading->in_flight;
    line.trouble = fmt::format("{}", fmt::join(ipc::troubles_now(*reading), "; "));
    if (line.worker_state.empty() && reading->state) {
      line.worker_state = ipc::to_string(*reading->state);
    }
  }
  if (const auto waiting = pool.waiting_for(process)) {
    line.trouble +=
        fmt::format("{}accepts nothing, and {} connection{}", line.trouble.empty() ? "" : "; ",
                    *waiting, *waiting == 1 ? " waits" : "s wait");
  }
}

/// Of a frame, which has room for the rest beside it; even when every byte is escaped.
constexpr std::size_t kMaxBytes = ipc::control::kMaxTailBytes;
/// What a row costs beside its texts.
constexpr std::size_t kRowBytes = 64;

std::size_t size_of(const ipc::ResourceReport& report) {
  return kRowBytes + report.name.size() + report.phase.size() + report.detail.size();
}
std::size_t size_of(const ipc::ScheduledReport& report) {
  return kRowBytes + report.name.size() + report.schedule.size() + report.detail.size();
}
template <class Row>
std::size_t size_of(const std::vector<Row>& rows) {
  std::size_t size = 0;
  for (const Row& row : rows) size += size_of(row.report);
  return size;
}

/// False, and a note in the reply, once it is full.
template <class Row>
bool add(Reply& reply, std::vector<Row>& rows, std::size_t& size, Row row) {
  size += size_of(row.report);
  if (size <= kMaxBytes) {
    rows.push_back(std::move(row));
    return true;
  }
  reply.text = "(and more: ask for one pool, or one slot)";
  return false;
}

bool shows(const SlotSet& slots, int slot) { return slots.empty() || slots.contains(slot); }

using ToProcess = std::function<void(const Worker&, const Process&)>;

/// In the order of slots, and in a slot of their start.
void for_each_process(const PoolRunner& pool, const SlotSet& slots, const ToProcess& visit) {
  std::vector<std::pair<const Worker*, const Process*>> found;
  for (const auto& [id, process] : pool.processes()) {
    const Worker* worker = pool.pool().find(id);
    if (worker != nullptr && shows(slots, worker->slot)) found.emplace_back(worker, process.get());
  }
  std::ranges::stable_sort(found, {}, [](const auto& one) { return one.first->slot; });
  for (const auto& [worker, process] : found) visit(*worker, *process);
}

/// A worker that no slot shows, as a line of its own.
ipc::control::Process line_of(const PoolRunner& pool, const Worker& worker, const Process& process,
                              TimePoint now) {
  ipc::control::Process line;
  line.name = pool.pool().name_of(worker.slot);
  line.pool = pool.name();
  line.slot = worker.slot;
  switch (worker.phase) {
    case WorkerPhase::Starting:
      line.state = to_string(SlotState::Starting);
      break;
    case WorkerPhase::Serving:
      line.state = to_string(SlotState::Running);
      break;
    case WorkerPhase::Draining:
    case WorkerPhase::Killed:
      line.state = to_string(SlotState::Stopping);
      break;
  }
  line.pid = process.pid().value_or(0);
  line.generation = static_cast<std::uint64_t>(worker.generation);
  line.uptime = std::chrono::duration_cast<std::chrono::milliseconds>(now - worker.phase_since);
  line.detail = fmt::format("{}, beside the slot's own", to_string(worker.phase));
  line.status = process.status_text();
  if (const auto state = process.worker_state()) line.worker_state = ipc::to_string(*state);
  return line;
}

}  // namespace

std::vector<ipc::control::Process> status_of(const PoolRunner& pool, const SlotSet& slots,
                                             TimePoint now) {
  std::vector<ipc::control::Process> lines;
  for (const Slot& slot : pool.pool().slots()) {
    if (!shows(slots, slot.index)) continue;
    const Worker* worker = slot.current ? pool.pool().find(*slot.current) : nullptr;
    const Process* process = slot.current ? pool.find(*slot.current) : nullptr;
    // A successor took over without a change of the slot's state; the uptime is the worker's own.
    const bool serves = worker != nullptr && worker->phase == WorkerPhase::Serving;
    const TimePoint since = serves ? worker->phase_since : slot.since;

    ipc::control::Process line;
    line.name = pool.pool().name_of(slot.index);
    line.pool = pool.name();
    line.slot = slot.index;
    line.state = to_string(slot.state);
    line.uptime = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max(Duration::zero(), now - since));
    line.detail = detail_of(pool, slot, now);
    if (worker != nullptr && process != nullptr) {
      add_worker(line, pool, *worker, *process, now);
    }
    if (const auto death = pool.last_death(slot.index)) line.cost = death->cost;
    if (const auto* death = pool.unasked_death(slot.index)) {
      line.restarts = death->restarts;
      line.last_death = death->cause;
      line.died_ago = std::chrono::duration_cast<std::chrono::milliseconds>(now - death->at);
      line.last_line = death->last_line;
    }
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
  if (process->worker_state() == ipc::WorkerState::Error && !process->status_text().empty()) {
    troubles.insert(troubles.begin(), "its state is Error: " + process->status_text());
  }
  return troubles;
}

void add_lifespan(Reply& reply, const PoolRunner& pool, const SlotSet& slots, TimePoint now) {
  std::size_t size = size_of(reply.resources);
  for_each_process(pool, slots, [&](const Worker& worker, const Process& process) {
    const std::string name = pool.pool().name_of(worker.slot);
    const int pid = process.pid().value_or(0);
    if (std::ranges::find(reply.processes, pid, &ipc::control::Process::pid) ==
        reply.processes.end()) {
      reply.processes.push_back(line_of(pool, worker, process, now));
    }
    for (const KnownPhase& phase : process.reports().phases) {
      const Duration took = phase.ended.value_or(now) - phase.began;
      reply.phases.push_back({.process = name,
                              .pid = pid,
                              .name = phase.name,
                              .took = std::chrono::duration_cast<std::chrono::microseconds>(took),
                              .done = phase.ended.has_value()});
    }
    for (const KnownResource& known : process.reports().resources) {
      const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - known.since);
      if (!add(reply, reply.resources, size,
               {.process = name, .pid = pid, .report = known.report, .since = since})) {
        return;
      }
    }
  });
}

void add_scheduled(Reply& reply, const PoolRunner& pool, const SlotSet& slots) {
  std::size_t size = size_of(reply.schedule);
  for_each_process(pool, slots, [&](const Worker& worker, const Process& process) {
    for (const ipc::ScheduledReport& report : process.reports().scheduled) {
      if (!add(reply, reply.schedule, size,
               {.process = pool.pool().name_of(worker.slot),
                .pid = process.pid().value_or(0),
                .report = report})) {
        return;
      }
    }
  });
}

}  // namespace reeve::supervisor
