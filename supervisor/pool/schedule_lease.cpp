#include "supervisor/pool/schedule_lease.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "supervisor/control/events.hpp"

namespace reeve::supervisor {
namespace {

using std::chrono::system_clock;

WallTime wall_now() { return std::chrono::floor<std::chrono::milliseconds>(system_clock::now()); }

bool is_worth_a_warning(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::TooFarAhead:
    case ClaimVerdict::BadName:
    case ClaimVerdict::TooManyScheduled:
      return true;
    case ClaimVerdict::Granted:
    case ClaimVerdict::NotHolder:
    case ClaimVerdict::AlreadyDone:
      return false;
  }
  std::unreachable();
}

/// Greater than what a master before this one, that is no more, can have granted: it would have
/// needed one grant per microsecond.
std::uint64_t fence_base() {
  const auto since = system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

}  // namespace

ScheduleLease::ScheduleLease(Log& log, const Pool& pool, Callbacks callbacks)
    : log_(log), pool_(pool), callbacks_(std::move(callbacks)), lease_(fence_base()) {}

ScheduleLease::ScheduleLease(Log& log, const Pool& pool, Callbacks callbacks, State state)
    : log_(log), pool_(pool), callbacks_(std::move(callbacks)), lease_(std::move(state)) {}

void ScheduleLease::on_message(const Member& from, const ipc::WorkerMessage& message) {
  const WorkerId worker = from.worker;
  if (message.lease || message.claim) mistrust_clock();
  // Who gives it back has stopped its runs for good. One that takes it again and again would fill
  // the log, and keep it from the others.
  const bool done_with_it = done_with_it_.contains(worker);
  if (message.lease == ipc::LeaseWish::Wanted && !done_with_it) lease_.wanted(worker, wall_now());
  if (message.claim) answer_claim(from, *message.claim);
  if (message.stopping || message.state == ipc::WorkerState::Shutdown) lease_.leaving(worker);
  if (message.lease == ipc::LeaseWish::Released) {
    done_with_it_.insert(worker);
    if (lease_.released(worker)) announce(fmt::format("{} has released the lease", from.name));
  }
  if (message.lease) settle();
}

void ScheduleLease::answer_claim(const Member& who, const ipc::DueRun& run) {
  const ClaimVerdict verdict = lease_.claim(who.worker, run, wall_now());
  const bool granted = verdict == ClaimVerdict::Granted;
  const std::string worker = fmt::format("{}: pid {}", who.name, who.pid);
  const std::string which =
      fmt::format("the run of scheduled job {} due at {}", run.name, utc_text(run.due));
  const bool warns = is_worth_a_warning(verdict) && !std::exchange(told_of_denial_, true);
  if (granted) {
    log_.debug("{} may do {}", worker, which);
  } else {
    log_.write(warns ? LogLevel::Warn : LogLevel::Debug,
               fmt::format("{} may not do {}: {}{}", worker, which, to_string(verdict),
                           warns ? "; further denials are logged at debug level only" : ""));
  }
  if (const auto sent = callbacks_.tell(who.worker, {.claim = ipc::ClaimAnswer{run, granted}});
      !sent) {
    log_.warn("{} could not be told whether it may do {}{}: {}", worker, which,
              granted ? ", which nobody does now" : "", sent.error().text);
  }
}

void ScheduleLease::mistrust_clock() {
  const std::string names = lease_.mistrust_clock(wall_now());
  if (names.empty()) return;
  log_.warn(
      "{}: the wall clock was put back by more than {} h: the grants of these jobs are forgotten, "
      "so runs that were done may be done again: {}",
      pool_.spec().name, PoolLease::kFarthestDue.count(), names);
}

void ScheduleLease::inherit(const ScheduleLease& removed) {
  waits_ = false;
  lease_.succeed(removed.lease_.state());
  settle();
}

void ScheduleLease::settle() {
  if (waits_) return lease_.forget_gone(pool_);
  mistrust_clock();
  while (const auto grant = lease_.settle(pool_)) {
    const auto member = callbacks_.find(grant->worker);
    if (!member) {
      lease_.not_told(grant->worker);
      continue;
    }
    if (const auto told = callbacks_.tell(grant->worker, {.lease = grant->lease}); !told) {
      log_.warn("{}: cannot be told that it holds the lease, another one gets it: {}", member->name,
                told.error().text);
      lease_.not_told(grant->worker);
      continue;
    }
    const std::string why = grant->why.empty() ? "" : fmt::format(": {}", grant->why);
    announce(fmt::format("{} (pid {}, generation {}) holds the lease, fence {}{}", member->name,
                         member->pid, static_cast<std::uint64_t>(member->generation),
                         grant->lease.fence, why));
  }
}

void ScheduleLease::announce(const std::string& text) {
  log_.info("{}: {}", pool_.spec().name, text);
  callbacks_.on_event(text);
}

}  // namespace reeve::supervisor
