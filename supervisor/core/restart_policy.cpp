#include "supervisor/core/restart_policy.hpp"

#include <algorithm>

namespace reeve::supervisor {
namespace {

/// A worker that ends sooner than this did not do its work, whatever its exit code says.
constexpr Duration kUsefulLife = std::chrono::seconds(1);

Duration pause_after(const PoolSpec& spec, int pauses, Random& random) {
  Duration pause = spec.backoff_first;
  for (int i = 1; i < pauses && pause < spec.backoff_max; ++i) pause *= 2;
  std::uniform_int_distribution<int> quarter(750, 1250);
  return std::min(pause, spec.backoff_max) * quarter(random) / 1000;
}

}  // namespace

bool is_failure(const Ended& ended) {
  return !ended.death.clean() || !ended.was_ready || ended.lived < kUsefulLife;
}

AfterEnd RestartPolicy::on_end(const PoolSpec& spec, const Ended& ended, TimePoint now,
                               Random& random) {
  if (spec.restart == RestartRule::Never) return Leave{};
  if (spec.restart == RestartRule::OnFailure && ended.death.clean()) return Leave{};
  if (!is_failure(ended)) return Retry{Duration::zero()};
  while (!failures_.empty() && now - failures_.front() >= spec.give_up_within) {
    failures_.pop_front();
  }
  failures_.push_back(now);
  if (failures() >= spec.give_up_failures) {
    const int count = failures();
    failures_.clear();
    return GiveUp{count};
  }
  const int pauses = failures() - (ended.was_ready ? 1 : 0);
  if (pauses == 0) return Retry{Duration::zero()};
  return Retry{pause_after(spec, pauses, random)};
}

void RestartPolicy::shift(Duration by) {
  for (TimePoint& failure : failures_) failure += by;
}

}  // namespace reeve::supervisor
