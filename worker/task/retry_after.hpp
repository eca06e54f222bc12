#pragma once
// When a pool that is full will have room again, from how long its calls have taken of late. Pure.

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "ipc/base/clock.hpp"

namespace reeve::worker {

/// How long calls take: the later ones weigh more.
class ServiceTime {
 public:
  void add(ipc::Duration took) {
    constexpr int kShare = 8;
    mean_ = known_ ? mean_ + (took - mean_) / kShare : took;
    known_ = true;
  }
  [[nodiscard]] ipc::Duration mean() const { return mean_; }

 private:
  ipc::Duration mean_{};
  bool known_ = false;
};

inline constexpr std::chrono::seconds kLongestRetryAfter{120};

/// For the Retry-After of who found `waiting` calls queued before `threads` threads: the time until
/// they have got through the queue, from one second to kLongestRetryAfter.
[[nodiscard]] inline std::chrono::seconds retry_after(ipc::Duration one_call, std::size_t waiting,
                                                      std::size_t threads) {
  using Seconds = std::chrono::duration<double>;
  const double calls = static_cast<double>(waiting + 1);
  const double rounds = threads > 0 ? calls / static_cast<double>(threads) : calls;
  const Seconds all = std::chrono::duration_cast<Seconds>(one_call) * rounds;
  if (all >= kLongestRetryAfter) return kLongestRetryAfter;
  return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(all));
}

}  // namespace reeve::worker
