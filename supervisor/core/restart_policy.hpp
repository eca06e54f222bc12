#pragma once
// Decides what follows a worker's end: at once, after a pause, never again, or give up.
// One per slot. Pure; the caller owns the random numbers.

#include <deque>
#include <random>
#include <variant>

#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

using Random = std::minstd_rand;

/// How far a worker had come when it ended.
struct Ended {
  Death death;
  bool was_ready = false;
  Duration lived{};  ///< since its start
};

struct Retry {
  Duration delay;  ///< zero: at once
};
struct Leave {};  ///< it ended as it should
struct GiveUp {
  int failures;
};
using AfterEnd = std::variant<Retry, Leave, GiveUp>;

/// An end is a failure unless the worker exited with 0 after it had been ready and lived for a
/// second: a consumer that recycles itself is not a crash, one that exits at once in a loop is.
[[nodiscard]] bool is_failure(const Ended& ended);

/// A worker that had been ready is replaced at once the first time. From then on, and for one that
/// never became ready, the pause is `backoff_first`, doubled with each failure within
/// `give_up_within`, up to `backoff_max`, give or take a quarter, so that slots that died together
/// do not return together.
class RestartPolicy {
 public:
  [[nodiscard]] AfterEnd on_end(const PoolSpec& spec, const Ended& ended, TimePoint now,
                                Random& random);
  /// Forgets past failures: an operator asked for a start.
  void forget() { failures_.clear(); }
  /// Moves past failures by a stall of the master, so that it neither ages nor renews them.
  void shift(Duration by);
  [[nodiscard]] int failures() const { return static_cast<int>(failures_.size()); }

 private:
  std::deque<TimePoint> failures_;  // Within give_up_within; at most give_up_failures of them.
};

}  // namespace reeve::supervisor
