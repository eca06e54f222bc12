#include "worker/scheduler/plan.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "ipc/base/enum_word.hpp"

namespace reeve::worker {
namespace {

using std::chrono::milliseconds;

/// A clock that goes back by more was wrong before.
constexpr milliseconds kWrongClock = std::chrono::hours(3);

}  // namespace

std::string_view to_string(SkipReason reason) {
  return ipc::word_of<SkipReason::Draining>(
      reason, {"too late", "coalesced", "max_instances of it still run", "too many were missed",
               "denied", "the master did not answer", "the worker stops"});
}

Plan::Plan(const std::vector<ScheduledJob>& schedule, std::uint32_t seed) : random_(seed) {
  for (const ScheduledJob& scheduled : schedule) {
    const bool monotonic =
        scheduled.options.scope == ScheduleScope::Each && scheduled.schedule.period().has_value();
    entries_.push_back({.scheduled = &scheduled, .monotonic = monotonic});
  }
}

/// Skips the waiting runs that are `over`.
template <class Over>
void Plan::skip_if(std::size_t index, SkipReason reason, PlanActions& actions, Over over) {
  std::erase_if(entries_[index].waiting, [&](const Waiting& run) {
    const bool is_over = over(run);
    if (is_over) actions.push_back(SkipRuns{index, run.due, run.due, reason, run.inherited});
    return is_over;
  });
}

PlanActions Plan::start(Moment now) {
  started_ = true;
  for (Entry& entry : entries_) {
    entry.ticked = now.mono;
    if (!entry.monotonic) move_to(entry, now.wall);
  }
  return step(now);
}

PlanActions Plan::hold_lease(std::uint64_t fence, WallTime since, Moment now) {
  holds_lease_ = true;
  fence_ = fence;
  for (Entry& entry : entries_) {
    if (!one(entry)) continue;
    // Runs that are too late were the business of the holders before.
    const WallTime earliest = std::max(since, now.wall - longest_delay(entry));
    move_to(entry, earliest - milliseconds(1));
  }
  return step(now, true);
}

PlanActions Plan::answered(std::size_t index, WallTime due, bool granted, Moment now) {
  Entry& entry = entries_[index];
  const auto end = entry.waiting.begin() + static_cast<std::ptrdiff_t>(claims(entry));
  const auto claim = std::find_if(entry.waiting.begin(), end,
                                  [&](const Waiting& waiting) { return waiting.due == due; });
  if (claim == end) return {};
  const Waiting run = *claim;
  entry.waiting.erase(claim);

  PlanActions actions;
  if (!granted) {
    actions.push_back(SkipRuns{index, due, due, SkipReason::Denied, run.inherited});
  } else if (lateness(entry, run, now) > longest_delay(entry)) {
    actions.push_back(SkipRuns{index, due, due, SkipReason::Late});
  } else {
    begin(index, run, actions);
  }
  std::ranges::move(step(now), std::back_inserter(actions));
  return actions;
}

PlanActions Plan::ended(std::size_t index, Moment now) {
  --entries_[index].running;
  return step(now);
}

PlanActions Plan::drain(Moment now) {
  PlanActions actions;
  // Runs that are due at this moment are reported as left; they must not begin.
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    if (responsible(index)) notice(index, now, false, actions);
  }
  draining_ = true;
  std::ranges::move(step(now), std::back_inserter(actions));
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    skip_if(index, SkipReason::Draining, actions, [](const Waiting& run) { return !run.claimed; });
  }
  return actions;
}

PlanActions Plan::give_up_claims(Moment now) {
  PlanActions actions = drain(now);
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    skip_if(index, SkipReason::Unanswered, actions, [](const Waiting&) { return true; });
  }
  return actions;
}

PlanActions Plan::step(Moment now, bool inherited) {
  PlanActions actions;
  if (!started_) return actions;
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    if (responsible(index)) notice(index, now, inherited, actions);
    pump_claims(index, now, actions);
    if (!draining_) pump(index, now, actions);
  }
  return actions;
}

void Plan::notice(std::size_t index, Moment now, bool inherited, PlanActions& actions) {
  if (entries_[index].monotonic) {
    notice_monotonic(index, now, actions);
  } else {
    notice_wall(index, now, inherited && one(entries_[index]), actions);
  }
}

void Plan::notice_wall(std::size_t index, Moment now, bool inherited, PlanActions& actions) {
  Entry& entry = entries_[index];
  if (now.wall < entry.noticed - kWrongClock) move_to(entry, now.wall);
  if (!entry.next || *entry.next > now.wall) return;

  const auto skip_until = [&](WallTime first, SkipReason reason) {
    actions.push_back(SkipRuns{index, *entry.next, first - milliseconds(1), reason, inherited});
    move_to(entry, first - milliseconds(1));
  };
  if (const WallTime oldest = now.wall - longest_delay(entry); *entry.next < oldest) {
    skip_until(oldest, SkipReason::Late);
  }
  if (const auto period = entry.scheduled->schedule.period(); period && entry.next) {
    // An interval may have millions of them.
    const WallTime first = now.wall - *period * static_cast<int>(kMostWaiting - 1);
    if (*entry.next < first - *period) {
      skip_until(first,
                 entry.scheduled->options.coalesce ? SkipReason::Coalesced : SkipReason::TooMany);
    }
  }
  std::vector<Waiting> batch;
  while (entry.next && *entry.next <= now.wall) {
    batch.push_back({.due = *entry.next, .inherited = inherited});
    move_to(entry, *entry.next);
  }
  take_in(index, std::move(batch), now, actions);
}

void Plan::notice_monotonic(std::size_t index, Moment now, PlanActions& actions) {
  Entry& entry = entries_[index];
  const milliseconds period = *entry.scheduled->schedule.period();
  auto passed = (now.mono - entry.ticked) / period;
  if (passed <= 0) return;
  const auto due = [&](ipc::TimePoint tick) {
    return now.wall - std::chrono::duration_cast<milliseconds>(now.mono - tick);
  };
  const auto skip = [&](std::int64_t count, SkipReason reason) {
    if (count <= 0) return;
    const ipc::TimePoint last = entry.ticked + period * count;
    actions.push_back(SkipRuns{index, due(entry.ticked + period), due(last), reason});
    entry.ticked = last;
    passed -= count;
  };
  const auto too_late =
      (now.mono - longest_delay(entry) - entry.ticked - ipc::Duration(1)) / period;
  skip(std::min<std::int64_t>(too_late, passed), SkipReason::Late);
  skip(passed - static_cast<std::int64_t>(kMostWaiting),
       entry.scheduled->options.coalesce ? SkipReason::Coalesced : SkipReason::TooMany);

  std::vector<Waiting> batch;
  for (; passed > 0; --passed) {
    entry.ticked += period;
    batch.push_back({.due = due(entry.ticked), .ticked = entry.ticked});
  }
  take_in(index, std::move(batch), now, actions);
}

/// The runs that were noticed at once, in the order of their due times: more than one means that
/// some were missed.
void Plan::take_in(std::size_t index, std::vector<Waiting> batch, Moment now,
                   PlanActions& actions) {
  if (batch.empty()) return;
  Entry& entry = entries_[index];
  const ScheduleOptions& options = entry.scheduled->options;
  const auto skip_first = [&](std::size_t count, SkipReason reason) {
    if (count == 0) return;
    actions.push_back(
        SkipRuns{index, batch.front().due, batch[count - 1].due, reason, batch.front().inherited});
    batch.erase(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(count));
  };
  const bool missed = batch.size() > 1 || batch.front().inherited;
  if (options.coalesce) skip_first(batch.size() - 1, SkipReason::Coalesced);
  const std::size_t room = kMostWaiting - std::min(kMostWaiting, entry.waiting.size());
  skip_first(batch.size() - std::min(room, batch.size()), SkipReason::TooMany);

  for (Waiting& run : batch) {
    run.made_up = missed;
    std::uniform_int_distribution<std::int64_t> delays(0, options.jitter.count());
    const milliseconds delay = milliseconds(delays(random_)) - lateness(entry, run, now);
    run.begin_at = now.mono + std::max(delay, milliseconds(0));
    // The master grants the runs of one in their order only.
    if (one(entry) && !entry.waiting.empty()) {
      run.begin_at = std::max(run.begin_at, entry.waiting.back().begin_at);
    }
    const auto unclaimed = entry.waiting.begin() + static_cast<std::ptrdiff_t>(claims(entry));
    const auto place = std::upper_bound(
        unclaimed, entry.waiting.end(), run,
        [](const Waiting& a, const Waiting& b) { return a.begin_at < b.begin_at; });
    entry.waiting.insert(place, run);
  }
}

void Plan::move_to(Entry& entry, WallTime noticed) {
  entry.noticed = noticed;
  entry.next = entry.scheduled->schedule.next(noticed);
}

void Plan::pump(std::size_t index, Moment now, PlanActions& actions) {
  Entry& entry = entries_[index];
  for (std::size_t i = claims(entry); i < entry.waiting.size();) {
    Waiting& run = entry.waiting[i];
    const auto drop = [&](SkipReason reason) {
      actions.push_back(SkipRuns{index, run.due, run.due, reason, run.inherited});
      entry.waiting.erase(entry.waiting.begin() + static_cast<std::ptrdiff_t>(i));
    };
    if (lateness(entry, run, now) > longest_delay(entry)) {
      drop(SkipReason::Late);
    } else if (run.begin_at > now.mono) {
      return;
    } else if (full(entry)) {
      if (run.made_up) return;
      drop(SkipReason::Busy);
    } else if (one(entry)) {
      run.claimed = true;
      run.claim_again = now.mono + kClaimAgain;
      actions.push_back(ClaimRun{index, run.due});
      ++i;
    } else {
      begin(index, run, actions);
      entry.waiting.erase(entry.waiting.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

void Plan::pump_claims(std::size_t index, Moment now, PlanActions& actions) {
  Entry& entry = entries_[index];
  skip_if(index, SkipReason::Unanswered, actions, [&](const Waiting& run) {
    return run.claimed && lateness(entry, run, now) > longest_delay(entry);
  });
  for (Waiting& run : entry.waiting) {
    if (!run.claimed || run.claim_again > now.mono) continue;
    run.claim_again = now.mono + kClaimAgain;
    actions.push_back(ClaimRun{index, run.due});
  }
}

void Plan::begin(std::size_t index, const Waiting& run, PlanActions& actions) {
  Entry& entry = entries_[index];
  ++entry.running;
  actions.push_back(BeginRun{index, run.due, one(entry) ? fence_ : 0});
}

Plan::Deadlines Plan::deadlines() const {
  Deadlines result;
  const auto earlier = [](auto& earliest, auto time) {
    if (!earliest || time < *earliest) earliest = time;
  };
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    const Entry& entry = entries_[index];
    if (responsible(index)) {
      if (entry.monotonic) {
        earlier(result.mono, entry.ticked + *entry.scheduled->schedule.period());
      } else if (entry.next) {
        earlier(result.wall, *entry.next);
      }
    }
    const std::size_t claimed = claims(entry);
    for (std::size_t i = 0; i < claimed; ++i) earlier(result.mono, entry.waiting[i].claim_again);
    if (claimed == entry.waiting.size()) continue;
    const Waiting& first = entry.waiting[claimed];
    // A made up one that finds no instance free waits for the end of one.
    if (!full(entry) || !first.made_up) earlier(result.mono, first.begin_at);
  }
  return result;
}

bool Plan::idle(const Entry& entry) { return entry.running == 0 && claims(entry) == 0; }

bool Plan::idle() const {
  return std::ranges::all_of(entries_, [](const Entry& entry) { return idle(entry); });
}

bool Plan::lease_idle() const {
  return std::ranges::all_of(entries_,
                             [this](const Entry& entry) { return !one(entry) || idle(entry); });
}

bool Plan::responsible(std::size_t index) const {
  return started_ && !draining_ && (!one(entries_[index]) || holds_lease_);
}

std::optional<WallTime> Plan::next_due(std::size_t index, Moment now) const {
  const Entry& entry = entries_[index];
  if (!started_ || draining_) return std::nullopt;
  if (!entry.monotonic) return entry.scheduled->schedule.next(std::max(now.wall, entry.noticed));
  const auto left = entry.ticked + *entry.scheduled->schedule.period() - now.mono;
  return now.wall + std::chrono::ceil<milliseconds>(left);
}

milliseconds Plan::longest_delay(const Entry& entry) {
  return entry.scheduled->options.jitter + entry.scheduled->options.misfire_grace;
}

milliseconds Plan::lateness(const Entry& entry, const Waiting& run, Moment now) {
  if (!entry.monotonic) return now.wall - run.due;
  return std::chrono::duration_cast<milliseconds>(now.mono - run.ticked);
}

std::size_t Plan::claims(const Entry& entry) {
  return static_cast<std::size_t>(
      std::ranges::count_if(entry.waiting, [](const Waiting& run) { return run.claimed; }));
}

bool Plan::full(const Entry& entry) {
  return entry.running + static_cast<int>(claims(entry)) >= entry.scheduled->options.max_instances;
}

}  // namespace reeve::worker
