#include "supervisor/core/restart_policy.hpp"

#include <algorithm>
#include <cstddef>

namespace reeve::supervisor {
namespace {

/// A worker that ends sooner than this did not do its work, whatever its exit code says.
constexpr Duration kUsefulLife = std::chrono::seconds(1);
/// So many workers that had served are replaced at once.
constexpr int kIncidents = 5;
/// Longer than any pause grows.
constexpr int kMostInARow = 1'000;

/// Counts one more failure; returns how many there are within `window`.
int count(std::deque<TimePoint>& failures, TimePoint now, Duration window) {
  constexpr std::size_t kMostRemembered = 10'000;
  while (!failures.empty() && now - failures.front() >= window) failures.pop_front();
  if (failures.size() < kMostRemembered) failures.push_back(now);
  return static_cast<int>(failures.size());
}

/// EX_UNAVAILABLE, EX_TEMPFAIL of sysexits.h: it says itself that it is worth another try.
bool is_temporary(const Death& death) {
  return death.exec_error.empty() && (death.exit_code == 69 || death.exit_code == 75);
}

bool had_a_useful_life(const Ended& ended) { return ended.was_ready && ended.lived >= kUsefulLife; }

}  // namespace

bool ends_for_good(const PoolSpec& spec, const Death& death) {
  switch (spec.restart) {
    case RestartRule::Always:
      return false;
    case RestartRule::OnFailure:
      return spec.expects(death);
    case RestartRule::Never:
      return true;
  }
  return false;
}

bool has_finished(const PoolSpec& spec, const Ended& ended) {
  return spec.expects(ended.death) && ends_for_good(spec, ended.death) &&
         (ended.was_ready || spec.ready_after);
}

Duration pause_after(const PoolSpec& spec, int nth, Random& random) {
  Duration pause = spec.backoff_first;
  for (int i = 1; i < nth && pause < spec.backoff_max; ++i) pause *= 2;
  std::uniform_int_distribution<int> quarter(750, 1250);
  return std::min(pause, spec.backoff_max) * quarter(random) / 1000;
}

bool is_failure(const PoolSpec& spec, const Ended& ended) {
  return !spec.expects(ended.death) || !had_a_useful_life(ended);
}

AfterEnd RestartPolicy::on_end(const PoolSpec& spec, const Ended& ended, TimePoint now,
                               Random& random) {
  if (ended.death.shortage) {
    return Retry{pause_after(spec, count(late_, now, spec.give_up_within), random)};
  }
  if (ends_for_good(spec, ended.death)) return Leave{};
  if (had_a_useful_life(ended)) in_a_row_ = 0;
  if (!is_failure(spec, ended)) return Retry{Duration::zero()};

  int pauses = 0;
  if (had_a_useful_life(ended)) {
    pauses = count(late_, now, spec.give_up_within) - spec.give_up_failures.value_or(kIncidents);
  } else {
    if (ended.death.permanent && !ended.version_was_ready) {
      forget();
      return GiveUp{0};
    }
    if (spec.give_up_failures && !is_temporary(ended.death)) {
      const int failures = count(young_, now, spec.give_up_within);
      if (failures >= *spec.give_up_failures) {
        forget();
        return GiveUp{failures};
      }
    }
    in_a_row_ = std::min(in_a_row_ + 1, kMostInARow);
    pauses = in_a_row_ - (ended.was_ready ? 1 : 0);
  }
  return Retry{pauses > 0 ? pause_after(spec, pauses, random) : Duration::zero()};
}

void RestartPolicy::forget() {
  young_.clear();
  late_.clear();
  in_a_row_ = 0;
}

void RestartPolicy::shift(Duration by) {
  for (TimePoint& failure : young_) failure += by;
  for (TimePoint& failure : late_) failure += by;
}

RestartPolicy::RestartPolicy(const State& state)
    : young_(state.young.begin(), state.young.end()),
      late_(state.late.begin(), state.late.end()),
      in_a_row_(state.in_a_row) {}

RestartPolicy::State RestartPolicy::state() const {
  return {.young = {young_.begin(), young_.end()},
          .late = {late_.begin(), late_.end()},
          .in_a_row = in_a_row_};
}

}  // namespace reeve::supervisor
