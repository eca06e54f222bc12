#pragma once
// How long to wait before the next attempt: twice as long each time, up to a limit, less up to a
// half by chance. Pure; chance comes in from outside.

#include <algorithm>
#include <chrono>

#include "reeve/resource.hpp"

namespace reeve::worker {

class RetryPause {
 public:
  explicit RetryPause(Retry retry) : retry_(retry), next_(retry.first) {}

  /// The pause before the next attempt. `chance` is in [0, 1).
  [[nodiscard]] std::chrono::milliseconds next(double chance) {
    using std::chrono::milliseconds;
    const milliseconds pause = std::min(next_, retry_.max);
    next_ = pause > retry_.max / 2 ? retry_.max : pause * 2;
    const double less = chance / 2 * static_cast<double>(pause.count());
    return pause - milliseconds(static_cast<milliseconds::rep>(less));
  }
  /// The resource was well again: the next trouble begins with a short pause.
  void reset() { next_ = retry_.first; }

 private:
  Retry retry_;
  std::chrono::milliseconds next_;
};

}  // namespace reeve::worker
