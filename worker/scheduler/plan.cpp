#include "worker/scheduler/plan.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace reeve::worker {
namespace {

using std::chrono::milliseconds;

/// A clock that goes back by more was wrong before.
constexpr milliseconds kWrongClock = std::chrono::hours(3);

}  // namespace

std::string_view to_string(SkipReason reason) {
  switch (reason) {
    case SkipReason::Late:
      return "too late";
    case SkipReason::Coalesced:
      return "coalesced";
    case SkipReason::Busy:
      return "max_instances of it still run";
    case SkipReason::TooMany:
      return "too many were missed";
    case SkipReason::Denied:
      return "denied";
    case SkipReason::Unanswered:
      return "the master did not answer";
    case SkipReason::Draining:
      return "the worker stops";
  }
  return "?";
}

Plan::Plan(const std::vector<Job>& jobs, std::uint32_t seed) : dice_(seed) {
  for (const Job& job : jobs) {
    const bool monotonic = job.options.scope == JobScope::Each && job.schedule.period().has_value();
    states_.push_back({.job = &job, .monotonic = monotonic});
  }
}

PlanActions Plan::start(Moment now) {
  started_ = true;
  for (JobState& state : states_) {
    state.ticked = now.mono;
    if (!state.monotonic) move_to(state, now.wall);
  }
  return step(now);
}

PlanActions Plan::advance(Moment now) { return step(now); }

PlanActions Plan::hold_lease(std::uint64_t fence, WallTime since, Moment now) {
  holds_lease_ = true;
  fence_ = fence;
  for (JobState& state : states_) {
    if (!one(state)) continue;
    // What is too late was the business of the holders before.
    const WallTime earliest = std::max(since, now.wall - longest_delay(state));
    move_to(state, earliest - milliseconds(1));
  }
  return step(now, true);
}

PlanActions Plan::answered(std::size_t job, WallTime due, bool granted, Moment now) {
  JobState& state = states_[job];
  const auto end = state.waiting.begin() + static_cast<std::ptrdiff_t>(claims(state));
  const auto claim = std::find_if(state.waiting.begin(), end,
                                  [&](const Waiting& waiting) { return waiting.due == due; });
  if (claim == end) return {};
  const Waiting run = *claim;
  state.waiting.erase(claim);

  PlanActions actions;
  if (!granted) {
    actions.push_back(SkipRuns{job, due, due, SkipReason::Denied, run.inherited});
  } else if (lateness(state, run, now) > longest_delay(state)) {
    actions.push_back(SkipRuns{job, due, due, SkipReason::Late});
  } else {
    begin(job, run, actions);
  }
  std::ranges::move(step(now), std::back_inserter(actions));
  return actions;
}

PlanActions Plan::ended(std::size_t job, Moment now) {
  --states_[job].running;
  return step(now);
}

PlanActions Plan::drain(Moment now) {
  PlanActions actions;
  // What is due at this moment is said to be left; it must not begin.
  for (std::size_t job = 0; job < states_.size(); ++job) {
    if (responsible(job)) notice(job, now, false, actions);
  }
  draining_ = true;
  std::ranges::move(step(now), std::back_inserter(actions));
  for (std::size_t job = 0; job < states_.size(); ++job) {
    JobState& state = states_[job];
    for (std::size_t i = claims(state); i < state.waiting.size(); ++i) {
      const Waiting& run = state.waiting[i];
      actions.push_back(SkipRuns{job, run.due, run.due, SkipReason::Draining, run.inherited});
    }
    state.waiting.resize(claims(state));
  }
  return actions;
}

PlanActions Plan::give_up_claims(Moment now) {
  PlanActions actions = drain(now);
  for (std::size_t job = 0; job < states_.size(); ++job) {
    for (const Waiting& run : states_[job].waiting) {
      actions.push_back(SkipRuns{job, run.due, run.due, SkipReason::Unanswered, run.inherited});
    }
    states_[job].waiting.clear();
  }
  return actions;
}

PlanActions Plan::step(Moment now, bool inherited) {
  PlanActions actions;
  if (!started_) return actions;
  for (std::size_t job = 0; job < states_.size(); ++job) {
    if (responsible(job)) notice(job, now, inherited, actions);
    pump_claims(job, now, actions);
    if (!draining_) pump(job, now, actions);
  }
  return actions;
}

void Plan::notice(std::size_t job, Moment now, bool inherited, PlanActions& actions) {
  if (states_[job].monotonic) {
    notice_monotonic(job, now, actions);
  } else {
    notice_wall(job, now, inherited && one(states_[job]), actions);
  }
}

void Plan::notice_wall(std::size_t job, Moment now, bool inherited, PlanActions& actions) {
  JobState& state = states_[job];
  if (now.wall < state.noticed - kWrongClock) move_to(state, now.wall);
  if (!state.next || *state.next > now.wall) return;

  const auto skip_until = [&](WallTime first, SkipReason reason) {
    actions.push_back(SkipRuns{job, *state.next, first - milliseconds(1), reason, inherited});
    move_to(state, first - milliseconds(1));
  };
  if (const WallTime oldest = now.wall - longest_delay(state); *state.next < oldest) {
    skip_until(oldest, SkipReason::Late);
  }
  if (const auto period = state.job->schedule.period(); period && state.next) {
    // Of an interval there may be millions.
    const WallTime first = now.wall - *period * static_cast<int>(kMostWaiting - 1);
    if (*state.next < first - *period) {
      skip_until(first, state.job->options.coalesce ? SkipReason::Coalesced : SkipReason::TooMany);
    }
  }
  std::vector<Waiting> batch;
  while (state.next && *state.next <= now.wall) {
    batch.push_back({.due = *state.next, .inherited = inherited});
    move_to(state, *state.next);
  }
  take_in(job, std::move(batch), now, actions);
}

void Plan::notice_monotonic(std::size_t job, Moment now, PlanActions& actions) {
  JobState& state = states_[job];
  const milliseconds period = *state.job->schedule.period();
  auto passed = (now.mono - state.ticked) / period;
  if (passed <= 0) return;
  const auto due = [&](ipc::TimePoint tick) {
    return now.wall - std::chrono::duration_cast<milliseconds>(now.mono - tick);
  };
  const auto skip = [&](std::int64_t count, SkipReason reason) {
    if (count <= 0) return;
    const ipc::TimePoint last = state.ticked + period * count;
    actions.push_back(SkipRuns{job, due(state.ticked + period), due(last), reason});
    state.ticked = last;
    passed -= count;
  };
  const auto too_late =
      (now.mono - longest_delay(state) - state.ticked - ipc::Duration(1)) / period;
  skip(std::min<std::int64_t>(too_late, passed), SkipReason::Late);
  skip(passed - static_cast<std::int64_t>(kMostWaiting),
       state.job->options.coalesce ? SkipReason::Coalesced : SkipReason::TooMany);

  std::vector<Waiting> batch;
  for (; passed > 0; --passed) {
    state.ticked += period;
    batch.push_back({.due = due(state.ticked), .ticked = state.ticked});
  }
  take_in(job, std::move(batch), now, actions);
}

/// What was noticed at once, in the order of the due times: more than one means that some were
/// missed.
void Plan::take_in(std::size_t job, std::vector<Waiting> batch, Moment now, PlanActions& actions) {
  if (batch.empty()) return;
  JobState& state = states_[job];
  const JobOptions& options = state.job->options;
  const auto skip_first = [&](std::size_t count, SkipReason reason) {
    if (count == 0) return;
    actions.push_back(
        SkipRuns{job, batch.front().due, batch[count - 1].due, reason, batch.front().inherited});
    batch.erase(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(count));
  };
  const bool missed = batch.size() > 1 || batch.front().inherited;
  if (options.coalesce) skip_first(batch.size() - 1, SkipReason::Coalesced);
  const std::size_t room = kMostWaiting - std::min(kMostWaiting, state.waiting.size());
  skip_first(batch.size() - std::min(room, batch.size()), SkipReason::TooMany);

  for (Waiting& run : batch) {
    run.made_up = missed;
    std::uniform_int_distribution<std::int64_t> delays(0, options.jitter.count());
    const milliseconds delay = milliseconds(delays(dice_)) - lateness(state, run, now);
    run.begin_at = now.mono + std::max(delay, milliseconds(0));
    // The master grants the runs of a job in their order only.
    if (one(state) && !state.waiting.empty()) {
      run.begin_at = std::max(run.begin_at, state.waiting.back().begin_at);
    }
    const auto unclaimed = state.waiting.begin() + static_cast<std::ptrdiff_t>(claims(state));
    const auto place = std::upper_bound(
        unclaimed, state.waiting.end(), run,
        [](const Waiting& a, const Waiting& b) { return a.begin_at < b.begin_at; });
    state.waiting.insert(place, run);
  }
}

void Plan::move_to(JobState& state, WallTime noticed) {
  state.noticed = noticed;
  state.next = state.job->schedule.next(noticed);
}

void Plan::pump(std::size_t job, Moment now, PlanActions& actions) {
  JobState& state = states_[job];
  for (std::size_t i = claims(state); i < state.waiting.size();) {
    Waiting& run = state.waiting[i];
    const auto drop = [&](SkipReason reason) {
      actions.push_back(SkipRuns{job, run.due, run.due, reason, run.inherited});
      state.waiting.erase(state.waiting.begin() + static_cast<std::ptrdiff_t>(i));
    };
    if (lateness(state, run, now) > longest_delay(state)) {
      drop(SkipReason::Late);
    } else if (run.begin_at > now.mono) {
      return;
    } else if (full(state)) {
      if (run.made_up) return;
      drop(SkipReason::Busy);
    } else if (one(state)) {
      run.claimed = true;
      run.claim_again = now.mono + kClaimAgain;
      actions.push_back(ClaimRun{job, run.due});
      ++i;
    } else {
      begin(job, run, actions);
      state.waiting.erase(state.waiting.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

void Plan::pump_claims(std::size_t job, Moment now, PlanActions& actions) {
  JobState& state = states_[job];
  std::erase_if(state.waiting, [&](Waiting& run) {
    if (!run.claimed) return false;
    if (lateness(state, run, now) > longest_delay(state)) {
      actions.push_back(SkipRuns{job, run.due, run.due, SkipReason::Unanswered, run.inherited});
      return true;
    }
    if (run.claim_again <= now.mono) {
      run.claim_again = now.mono + kClaimAgain;
      actions.push_back(ClaimRun{job, run.due});
    }
    return false;
  });
}

void Plan::begin(std::size_t job, const Waiting& run, PlanActions& actions) {
  JobState& state = states_[job];
  ++state.running;
  actions.push_back(BeginRun{job, run.due, one(state) ? fence_ : 0});
}

Plan::Deadlines Plan::deadlines() const {
  Deadlines result;
  const auto earlier = [](auto& earliest, auto time) {
    if (!earliest || time < *earliest) earliest = time;
  };
  for (std::size_t job = 0; job < states_.size(); ++job) {
    const JobState& state = states_[job];
    if (responsible(job)) {
      if (state.monotonic) {
        earlier(result.mono, state.ticked + *state.job->schedule.period());
      } else if (state.next) {
        earlier(result.wall, *state.next);
      }
    }
    const std::size_t claimed = claims(state);
    for (std::size_t i = 0; i < claimed; ++i) earlier(result.mono, state.waiting[i].claim_again);
    if (claimed == state.waiting.size()) continue;
    const Waiting& first = state.waiting[claimed];
    // A made up one that finds no instance free waits for the end of one.
    if (!full(state) || !first.made_up) earlier(result.mono, first.begin_at);
  }
  return result;
}

bool Plan::idle(const JobState& state) { return state.running == 0 && claims(state) == 0; }

bool Plan::idle() const {
  return std::ranges::all_of(states_, [](const JobState& state) { return idle(state); });
}

bool Plan::lease_idle() const {
  return std::ranges::all_of(states_,
                             [this](const JobState& state) { return !one(state) || idle(state); });
}

bool Plan::responsible(std::size_t job) const {
  return started_ && !draining_ && (!one(states_[job]) || holds_lease_);
}

std::optional<WallTime> Plan::next_due(std::size_t job, Moment now) const {
  const JobState& state = states_[job];
  if (!started_ || draining_) return std::nullopt;
  if (!state.monotonic) return state.job->schedule.next(std::max(now.wall, state.noticed));
  const auto left = state.ticked + *state.job->schedule.period() - now.mono;
  return now.wall + std::chrono::ceil<milliseconds>(left);
}

milliseconds Plan::longest_delay(const JobState& state) {
  return state.job->options.jitter + state.job->options.misfire_grace;
}

milliseconds Plan::lateness(const JobState& state, const Waiting& run, Moment now) {
  if (!state.monotonic) return now.wall - run.due;
  return std::chrono::duration_cast<milliseconds>(now.mono - run.ticked);
}

std::size_t Plan::claims(const JobState& state) {
  return static_cast<std::size_t>(
      std::ranges::count_if(state.waiting, [](const Waiting& run) { return run.claimed; }));
}

bool Plan::full(const JobState& state) {
  return state.running + static_cast<int>(claims(state)) >= state.job->options.max_instances;
}

}  // namespace reeve::worker
