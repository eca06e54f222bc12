#include "supervisor/pool/connection_steering.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace reeve::supervisor {
namespace {

/// A worker that hangs reads nothing more; the grace must not wait for it.
constexpr Duration kLongestLeave = std::chrono::seconds(1);

/// Between accepting a connection and reading its request a busy program may let this much time
/// pass.
constexpr Duration kSettle = std::chrono::milliseconds(100);

bool expects_nobody(SlotState state) {
  switch (state) {
    case SlotState::Starting:
    case SlotState::Running:
    case SlotState::Backoff:
      return false;
    case SlotState::Stopped:
    case SlotState::Stopping:
    case SlotState::Exited:
    case SlotState::Fatal:
      return true;
  }
  std::unreachable();
}

bool serves(const Pool& pool, WorkerId id) {
  const Worker* worker = pool.find(id);
  return worker != nullptr && worker->phase == WorkerPhase::Serving;
}

}  // namespace

ipc::Result<Seats> Seating::seats_for(int slot, const ListenerSet& listeners) {
  Seats seats;
  Seats kept;
  if (auto node = kept_.extract(slot)) kept = std::move(node.mapped());
  for (const SharedListener& listener : listeners) {
    const auto& address = listener->steered();
    if (address == nullptr) continue;
    const auto spare =
        std::ranges::find_if(kept, [&address](const Seat& seat) { return seat.is_at(address); });
    if (spare != kept.end()) {
      seats.push_back(std::move(*spare));
      kept.erase(spare);
      continue;
    }
    auto seat = Seat::take(address);
    if (!seat) return std::unexpected(seat.error());
    seats.push_back(std::move(*seat));
  }
  return seats;
}

void Seating::keep(int slot, Seats seats) {
  for (Seat& seat : seats) seat.disable();
  kept_[slot] = std::move(seats);
}

void Seating::sweep(const Pool& pool) {
  std::erase_if(kept_, [&pool](const auto& entry) {
    const auto slot = static_cast<std::size_t>(entry.first);
    return slot >= pool.slots().size() || expects_nobody(pool.slots()[slot].state);
  });
}

void Seating::steer(const Pool& pool, const Processes& processes) {
  std::vector<Process*> leaving;
  for (const auto& [id, process] : processes) {
    if (process->seats().empty()) continue;
    if (!serves(pool, id)) {
      leaving.push_back(process.get());
      continue;
    }
    for (Seat& seat : process->seats()) seat.enable();
  }
  for (Process* process : leaving) {
    for (Seat& seat : process->seats()) seat.disable();
  }
}

void Seating::leave(Process& process, std::function<void()> on_left) {
  std::vector<int> sockets;
  for (const Seat& seat : process.seats()) sockets.push_back(seat.fd());
  const WorkerId worker = process.identity().worker;
  leaving_[worker] = std::make_unique<AcceptQueueWait>(
      loop_, std::move(sockets),
      AcceptQueueWait::Limits{.longest = kLongestLeave,
                              .settle = process.is_native() ? Duration::zero() : kSettle,
                              .someone_left = [] { return true; }},
      [this, worker, on_left = std::move(on_left)] {
        const auto keep_alive = leaving_.extract(worker);
        on_left();
      });
}

}  // namespace reeve::supervisor
