#include "supervisor/core/lease.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "supervisor/core/process_name.hpp"

namespace reeve::supervisor {

void PoolLease::succeed(const LeaseState& removed) {
  state_.fence = std::max(state_.fence, removed.fence);
  if (removed.since) state_.since = removed.since;
  state_.granted = removed.granted;
  state_.forgotten = removed.forgotten;
}

std::string PoolLease::mistrust_clock(WallTime now) {
  const WallTime farthest = now + kFarthestDue;
  std::string names;
  std::erase_if(state_.granted, [&](const GrantedRun& run) {
    if (run.due <= farthest) return false;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", run.name);
    return true;
  });
  const bool forgets = state_.forgotten && *state_.forgotten > farthest;
  if (forgets) {
    state_.forgotten.reset();
    names += names.empty() ? "former ones" : " and former ones";
  }
  // The next holder begins here, so that it makes up none whose grant is forgotten.
  const bool began_later = state_.since && *state_.since > now;
  if (state_.since && (began_later || !names.empty())) state_.since = now;
  return names;
}

void PoolLease::wanted(WorkerId worker, WallTime now) {
  if (!state_.since) state_.since = now;
  if (state_.holder == worker) return;
  if (std::ranges::find(state_.wanting, worker) != state_.wanting.end()) return;
  state_.wanting.push_back(worker);
}

bool PoolLease::released(WorkerId worker) {
  leaving(worker);
  if (state_.holder != worker) return false;
  state_.holder.reset();
  state_.why = fmt::format("{} has released it", state_.holder_name);
  return true;
}

void PoolLease::leaving(WorkerId worker) { std::erase(state_.wanting, worker); }

void PoolLease::not_told(WorkerId worker) {
  leaving(worker);
  if (state_.holder != worker) return;
  state_.holder.reset();
  state_.why = fmt::format("{} could not be told", state_.holder_name);
}

ClaimVerdict PoolLease::claim(WorkerId worker, const ipc::DueRun& run, WallTime now) {
  if (state_.holder != worker) return ClaimVerdict::NotHolder;
  if (run.due > now + kFarthestDue) return ClaimVerdict::TooFarAhead;
  const auto known = std::ranges::find(state_.granted, run.name, &GrantedRun::name);
  if (known != state_.granted.end()) {
    if (run.due <= known->due) return ClaimVerdict::AlreadyDone;
    known->due = run.due;
    return ClaimVerdict::Granted;
  }
  if (state_.forgotten && run.due <= *state_.forgotten) return ClaimVerdict::AlreadyDone;
  if (run.name.empty() || run.name.size() > kMaxName) return ClaimVerdict::BadName;
  if (!make_room(now)) return ClaimVerdict::TooManyScheduled;
  // The room may have been made by forgetting one, whose past is everyone's now.
  if (state_.forgotten && run.due <= *state_.forgotten) return ClaimVerdict::AlreadyDone;
  state_.granted.push_back({run.name, run.due});
  return ClaimVerdict::Granted;
}

/// Names change with deployments: the one whose last run is the longest ago is forgotten. Whatever
/// may have been a run of it is denied from then on, so that forgetting grants nothing twice.
bool PoolLease::make_room(WallTime now) {
  if (state_.granted.size() < kMostScheduled) return true;
  const auto oldest = std::ranges::min_element(state_.granted, {}, &GrantedRun::due);
  if (oldest->due > now - kForgottenAfter) return false;
  state_.forgotten = std::max(state_.forgotten.value_or(oldest->due), oldest->due);
  state_.granted.erase(oldest);
  return true;
}

void PoolLease::forget_gone(const Pool& pool) {
  const auto is_gone = [&pool](WorkerId id) { return pool.find(id) == nullptr; };
  if (state_.holder && is_gone(*state_.holder)) {
    state_.holder.reset();
    state_.why = fmt::format("{} has ended", state_.holder_name);
  }
  std::erase_if(state_.wanting, is_gone);
}

std::optional<LeaseGrant> PoolLease::settle(const Pool& pool) {
  forget_gone(pool);
  if (state_.holder) return std::nullopt;
  const auto next = next_holder(pool);
  if (!next) return std::nullopt;
  leaving(*next);
  state_.holder = next;
  state_.holder_name = pool.name_of(pool.find(*next)->slot);
  ++state_.fence;
  std::string why = std::exchange(state_.why, "");
  if (why.empty()) why = "it is wanted for the first time";
  return LeaseGrant{*next, {.fence = state_.fence, .since = state_.since.value()}, std::move(why)};
}

std::optional<WorkerId> PoolLease::next_holder(const Pool& pool) const {
  const Worker* best = nullptr;
  for (const WorkerId id : state_.wanting) {
    const Worker* worker = pool.find(id);
    if (worker == nullptr || worker->phase != WorkerPhase::Serving) continue;
    if (pool.on_trial(*worker)) continue;
    const auto rank = [](const Worker& one) {
      return std::pair(~static_cast<std::uint64_t>(one.generation), one.slot);
    };
    if (best == nullptr || rank(*worker) < rank(*best)) best = worker;
  }
  return best == nullptr ? std::nullopt : std::optional(best->id);
}

std::string broken_rule(const LeaseState& state, const std::vector<Worker>& workers) {
  const auto is_known = [&workers](WorkerId id) {
    return std::ranges::find(workers, id, &Worker::id) != workers.end();
  };
  std::set<WorkerId> seen;
  if (state.holder) seen.insert(*state.holder);
  for (const WorkerId id : state.wanting) {
    if (!seen.insert(id).second) return "the lease is wanted twice by one worker";
  }
  if (!std::ranges::all_of(seen, is_known)) return "the lease is of a worker that is not there";
  if (!seen.empty() && !state.since) return "the lease is wanted, but nobody knows since when";
  if (state.granted.size() > PoolLease::kMostScheduled)
    return "the lease has too many scheduled jobs";
  std::set<std::string> names;
  for (const GrantedRun& run : state.granted) {
    if (run.name.empty() || run.name.size() > PoolLease::kMaxName || !names.insert(run.name).second)
      return "the lease has a scheduled job twice, or one without a name";
  }
  return "";
}

}  // namespace reeve::supervisor
