#pragma once
// Decides whether the thread pool is exhausted, from what a watcher sees of it from time to time:
// every thread taken, while work waits for too long or is refused. A queue that is long for a
// moment is no exhaustion: it is there for that. Pure: it reads no clock and knows no thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/clock.hpp"
#include "worker/task/thread_pool.hpp"

namespace reeve::worker {

/// What occupies threads, of one name.
struct Occupants {
  std::string what;  ///< "GET /report"
  std::size_t count = 0;
  ipc::Duration oldest{};
};
/// By name, the most numerous first, of equals the one that began first.
[[nodiscard]] std::vector<Occupants> occupants(const PoolLook& look);

class Exhaustion {
 public:
  enum class Kind : std::uint8_t { Began, Lasts, Ended };
  struct Finding {
    Kind kind{};
    ipc::Duration lasted{};
    ipc::Duration longest_wait{};  ///< of any call, since it began
    std::uint64_t refused = 0;     ///< since it began
  };

  static constexpr ipc::Duration kRemindAfter = std::chrono::seconds(10);
  /// An exhaustion is over when nothing has waited too long, and nothing was refused, for this
  /// long.
  static constexpr ipc::Duration kCalm = std::chrono::seconds(1);

  /// A refusal is told of when all threads are seen at work, which then can be named; or, since a
  /// burst may be over by then, after so many looks.
  static constexpr int kMostRefusingLooks = 4;

  /// `limit` zero or less: nothing is ever found.
  explicit Exhaustion(ipc::Duration limit) : limit_(limit) {}

  [[nodiscard]] std::optional<Finding> on(ipc::TimePoint now, const PoolLook& look);

  /// One lasts, or may be about to begin: it has to be looked at further.
  [[nodiscard]] bool lasts() const { return episode_ || refusing_looks_ > 0; }

 private:
  struct Episode {
    ipc::TimePoint began;
    ipc::TimePoint last_bad;
    ipc::Duration longest_wait{};
    std::uint64_t refused_before = 0;
    ipc::Duration remind_at = kRemindAfter;
  };

  [[nodiscard]] Finding finding(Kind kind, ipc::TimePoint until, const PoolLook& look) const;

  ipc::Duration limit_;
  std::uint64_t refused_ = 0;  // At the last look.
  int refusing_looks_ = 0;     // Since a refusal that was not told of.
  std::optional<Episode> episode_;
};

}  // namespace reeve::worker
