#include "supervisor/core/restart_policy.hpp"

#include <algorithm>
#include <cstddef>

namespace reeve::supervisor {
namespace {

/// A worker that ends sooner than this did not do its work, whatever its exit code says.
constexpr Duration kUsefulLife = std::chrono::seconds(1);

/// Counts one more failure; returns how many there are within `window`.
int count(std::deque<TimePoint>& failures, TimePoint now, Duration window) {
  constexpr std::size_t kMostRemembered = 10'000;
  while (!failures.empty() && now - failures.front() >= window) failures.pop_front();
  if (failures.size() < kMostRemembered) failures.push_back(now);
  return static_cast<int>(failures.size());
}

bool had_a_useful_life(const Ended& ended) { return ended.was_ready && ended.lived >= kUsefulLife; }

}  // namespace

bool ends_for_good(const PoolSpec& spec, const Death& death) {
  switch (spec.restart) {
    case RestartRule::Always:
      return false;
    case RestartRule::OnFailure:
      return death.clean();
    case RestartRule::Never:
      return true;
  }
  return false;
}

Duration pause_after(const PoolSpec& spec, int nth, Random& random) {
  Duration pause = spec.backoff_first;
  for (int i = 1; i < nth && pause < spec.backoff_max; ++i) pause *= 2;
  std::uniform_int_distribution<int> quarter(750, 1250);
  return std::min(pause, spec.backoff_max) * quarter(random) / 1000;
}

bool is_failure(const Ended& ended) { return !ended.death.clean() || !had_a_useful_life(ended); }

AfterEnd RestartPolicy::on_end(const PoolSpec& spec, const Ended& ended, TimePoint now,
                               Random& random) {
  if (ended.death.shortage) {
    return Retry{pause_after(spec, count(late_, now, spec.give_up_within), random)};
  }
  if (ends_for_good(spec, ended.death)) return Leave{};
  if (!is_failure(ended)) return Retry{Duration::zero()};

  int pauses = 0;
  if (had_a_useful_life(ended)) {
    pauses = count(late_, now, spec.give_up_within) - spec.give_up_failures;
  } else {
    const int failures = count(young_, now, spec.give_up_within);
    if (failures >= spec.give_up_failures) {
      forget();
      return GiveUp{failures};
    }
    pauses = failures - (ended.was_ready ? 1 : 0);
  }
  return Retry{pauses > 0 ? pause_after(spec, pauses, random) : Duration::zero()};
}

void RestartPolicy::forget() {
  young_.clear();
  late_.clear();
}

void RestartPolicy::shift(Duration by) {
  for (TimePoint& failure : young_) failure += by;
  for (TimePoint& failure : late_) failure += by;
}

RestartPolicy::RestartPolicy(const State& state)
    : young_(state.young.begin(), state.young.end()), late_(state.late.begin(), state.late.end()) {}

RestartPolicy::State RestartPolicy::state() const {
  return {.young = {young_.begin(), young_.end()}, .late = {late_.begin(), late_.end()}};
}

}  // namespace reeve::supervisor
