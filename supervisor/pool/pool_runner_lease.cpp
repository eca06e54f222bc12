// The lease of what the pool has scheduled with scope `one`: what workers say of it reaches the
// core, and what the core decides reaches them and the log.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {
namespace {

using std::chrono::system_clock;

WallTime wall_now() { return std::chrono::floor<std::chrono::milliseconds>(system_clock::now()); }

bool is_worth_a_warning(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::TooFarAhead:
    case ClaimVerdict::TooManyScheduled:
      return true;
    case ClaimVerdict::Granted:
    case ClaimVerdict::NotHolder:
    case ClaimVerdict::AlreadyDone:
      return false;
  }
  std::unreachable();
}

}  // namespace

/// Greater than what a master before this one, that is no more, can have granted: it would have
/// needed a grant a microsecond.
std::uint64_t PoolRunner::fence_base() {
  const auto since = system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

/// A rehearsal is off-traffic: it does nothing that the pool's own workers do.
void PoolRunner::take_lease(Process& process, const ipc::WorkerMessage& message) {
  const bool is_rehearsal = on_step_ != nullptr;
  if (is_rehearsal || process.is_over()) return;
  const WorkerId worker = process.identity().worker;
  if (message.lease || message.claim) mistrust_clock();
  // Who gives it back has stopped its runs for good. One that takes it again and again would fill
  // the log, and keep it from the others.
  const bool done_with_it = done_with_lease_.contains(worker);
  if (message.lease == ipc::LeaseWish::Wanted && !done_with_it) lease_.wanted(worker, wall_now());
  if (message.claim) answer_claim(process, *message.claim);
  if (message.stopping || message.state == ipc::WorkerState::Shutdown) lease_.leaving(worker);
  if (message.lease == ipc::LeaseWish::Released) done_with_lease_.insert(worker);
  if (message.lease == ipc::LeaseWish::Released && lease_.released(worker)) {
    tell_lease(fmt::format("{} has released the lease", name_of(process.identity().slot)));
  }
  if (message.lease) settle_lease();
}

void PoolRunner::answer_claim(Process& process, const ipc::DueRun& run) {
  const ClaimVerdict verdict = lease_.claim(process.identity().worker, run, wall_now());
  const bool granted = verdict == ClaimVerdict::Granted;
  const std::string who =
      fmt::format("{}: pid {}", name_of(process.identity().slot), process.pid().value_or(0));
  const std::string which =
      fmt::format("the run of {} ms of scheduled {}", run.due.time_since_epoch().count(), run.name);
  const bool warns = is_worth_a_warning(verdict) && !std::exchange(told_of_denial_, true);
  if (granted) {
    log_.debug("{} may do {}", who, which);
  } else {
    log_.write(warns ? LogLevel::Warn : LogLevel::Debug,
               fmt::format("{} may not do {}: {}{}", who, which, to_string(verdict),
                           warns ? "; more of these are not told" : ""));
  }
  if (const auto sent = process.tell({.claim = ipc::ClaimAnswer{run, granted}}); !sent) {
    log_.warn("{} does not hear whether it may do {}{}: {}", who, which,
              granted ? ", which nobody does now" : "", sent.error().text);
  }
}

void PoolRunner::mistrust_clock() {
  const std::string names = lease_.mistrust_clock(wall_now());
  if (names.empty()) return;
  log_.warn(
      "{}: the wall clock was put back by more than {} h: what was granted of these is "
      "forgotten, runs that were done already may be done again: {}",
      name(), PoolLease::kFarthestDue.count(), names);
}

void PoolRunner::inherit_lease(const PoolRunner& removed) {
  waits_for_lease_ = false;
  lease_.succeed(removed.lease_.state());
  settle_lease();
}

void PoolRunner::settle_lease() {
  if (waits_for_lease_) return lease_.forget_gone(pool_);
  mistrust_clock();
  while (const auto grant = lease_.settle(pool_)) {
    const auto found = processes_.find(grant->worker);
    if (found == processes_.end()) {
      lease_.not_told(grant->worker);
      continue;
    }
    Process& process = *found->second;
    const std::string name = name_of(process.identity().slot);
    if (const auto told = process.tell({.lease = grant->lease}); !told) {
      log_.warn("{}: cannot be told that it holds the lease, another one gets it: {}", name,
                told.error().text);
      lease_.not_told(grant->worker);
      continue;
    }
    const std::string why = grant->why.empty() ? "" : fmt::format(": {}", grant->why);
    tell_lease(fmt::format(
        "{} (pid {}, generation {}) holds the lease, fence {}{}", name, process.pid().value_or(0),
        static_cast<std::uint64_t>(process.identity().generation), grant->lease.fence, why));
  }
}

void PoolRunner::tell_lease(const std::string& text) {
  log_.info("{}: {}", name(), text);
  observer_.happened("lease", name(), text);
}

}  // namespace reeve::supervisor
