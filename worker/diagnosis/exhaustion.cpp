#include "worker/diagnosis/exhaustion.hpp"

#include <algorithm>
#include <utility>

namespace reeve::worker {

std::vector<Occupants> occupants(const PoolLook& look) {
  std::vector<Occupants> all;
  for (const PoolLook::Occupant& one : look.running) {
    auto found = std::ranges::find(all, one.what, &Occupants::what);
    if (found == all.end()) found = all.insert(all.end(), {.what = one.what});
    ++found->count;
    found->oldest = std::max(found->oldest, one.age);
  }
  std::ranges::stable_sort(all, [](const Occupants& a, const Occupants& b) {
    return std::pair(a.count, a.oldest) > std::pair(b.count, b.oldest);
  });
  return all;
}

std::optional<Exhaustion::Finding> Exhaustion::on(ipc::TimePoint now, const PoolLook& look) {
  if (limit_ <= ipc::Duration::zero()) return std::nullopt;
  const bool has_refused = look.refused > refused_;
  const bool waits_too_long = look.all_taken && look.longest_wait >= limit_;
  const bool is_bad = has_refused || waits_too_long;

  if (!episode_) {
    if (!is_bad) return std::nullopt;
    if (has_refused && !look.all_taken && ++refusing_looks_ < kMostRefusingLooks) {
      return std::nullopt;
    }
    refusing_looks_ = 0;
    const std::uint64_t refused_before = std::exchange(refused_, look.refused);
    episode_ = Episode{.began = now - look.longest_wait,
                       .last_bad = now,
                       .longest_wait = look.longest_wait,
                       .refused_before = refused_before};
    return finding(Kind::Began, now, look);
  }
  refused_ = look.refused;
  episode_->longest_wait = std::max(episode_->longest_wait, look.longest_wait);
  if (is_bad) episode_->last_bad = now;
  if (now - episode_->last_bad >= kCalm) {
    const Finding over = finding(Kind::Ended, episode_->last_bad, look);
    episode_.reset();
    return over;
  }
  if (now - episode_->began < episode_->remind_at) return std::nullopt;
  episode_->remind_at *= 2;
  return finding(Kind::Lasts, now, look);
}

Exhaustion::Finding Exhaustion::finding(Kind kind, ipc::TimePoint until,
                                        const PoolLook& look) const {
  return {.kind = kind,
          .lasted = until - episode_->began,
          .longest_wait = episode_->longest_wait,
          .refused = look.refused - episode_->refused_before};
}

}  // namespace reeve::worker
