#pragma once
// Decides what follows a worker's end: at once, after a pause, never again, or give up.
// One per slot. Pure; the caller owns the random numbers.

#include <deque>
#include <random>
#include <variant>
#include <vector>

#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

using Random = std::minstd_rand;

/// How far a worker had come when it ended.
struct Ended {
  Death death;
  bool was_ready = false;
  Duration lived{};                ///< since its start
  bool version_was_ready = false;  ///< some worker of its version was, ever
};

struct Retry {
  Duration delay;  ///< zero: at once
};
struct Leave {};  ///< it ended as it should
struct GiveUp {
  int failures;  ///< 0: it has not counted them, as trying again cannot mend this one
};
using AfterEnd = std::variant<Retry, Leave, GiveUp>;

/// Whether the worker ended otherwise than it should have: with no expected code, or before it did
/// any work. A consumer that recycles itself is no failure.
[[nodiscard]] bool is_failure(const PoolSpec& spec, const Ended& ended);

/// Whether its work is done: it ended well and is not to be started again. One that was to say that
/// it is ready must have said so.
[[nodiscard]] bool has_finished(const PoolSpec& spec, const Ended& ended);

/// Whether the slot stays down after such an end, as its restart rule says.
[[nodiscard]] bool ends_for_good(const PoolSpec& spec, const Death& death);
/// The `nth` pause in a row, from 1: doubled each time, up to backoff_max, give or take a quarter.
[[nodiscard]] Duration pause_after(const PoolSpec& spec, int nth, Random& random);

/// Two kinds of failures are counted apart:
///
///   young: it never became ready, or lived for less than a second. That is a crash loop: from the
///          first one that was not ready, or the second, a pause of `backoff_first`, doubled each
///          time up to `backoff_max`, until one has had a useful life. Where `give_up_failures` is
///          set, so many within `give_up_within` end it.
///   late:  it had served. Its place is filled at once, since giving up a slot for an incident that
///          comes now and then takes the service down. After `give_up_failures` of them, or 5,
///          within `give_up_within` the pause grows in the same way, so that it does not spin, but
///          it never gives up.
///
/// The policy gives up at once on what is permanent, unless a worker of this version was ever
/// ready: then somebody may be replacing the program's file just now. An end that is said to be
/// temporary (exit codes EX_UNAVAILABLE and EX_TEMPFAIL) is never given up.
///
/// A start for which the machine had no process, memory or descriptor left counts as late, but is
/// never repeated at once; and it is repeated whatever `restart` says, as nothing has run yet.
///
/// Each pause is taken give or take a quarter, so that slots that died together do not return
/// together.
class RestartPolicy {
 public:
  [[nodiscard]] AfterEnd on_end(const PoolSpec& spec, const Ended& ended, TimePoint now,
                                Random& random);
  /// Forgets past failures: an operator asked for a start.
  void forget();
  /// Moves past failures by a stall of the master, so that it neither ages nor renews them.
  void shift(Duration by);
  /// The number of failures since an operator has asked for a start.
  [[nodiscard]] int failures() const { return in_a_row_ + static_cast<int>(late_.size()); }

  /// What it remembers, for a master that takes over.
  struct State {
    std::vector<TimePoint> young;
    std::vector<TimePoint> late;
    int in_a_row = 0;
    bool operator==(const State&) const = default;
  };
  RestartPolicy() = default;
  explicit RestartPolicy(const State& state);
  [[nodiscard]] State state() const;

 private:
  // Within give_up_within. Bounded by kMostRemembered.
  std::deque<TimePoint> young_;
  std::deque<TimePoint> late_;
  int in_a_row_ = 0;  // Young ones, whenever they came.
};
REEVE_FIELDS(RestartPolicy::State, young, late, in_a_row)

}  // namespace reeve::supervisor
