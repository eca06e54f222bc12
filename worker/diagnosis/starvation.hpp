#pragma once
// Decides whether the event loop is starved, from what a watcher sees of it from time to time: one
// stretch of work that has the loop for too long. Pure: it reads no clock and knows no thread. A
// stretch is never taken for longer than it was seen to be.

#include <cstdint>
#include <optional>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/base/progress.hpp"
#include "worker/task/loop_activity.hpp"

namespace reeve::worker {

class Starvation {
 public:
  struct Look {
    ipc::TimePoint now;
    ipc::uv::Progress::Seen progress;
    std::optional<LoopActivity::Seen>
        loop_activity;  ///< none: a callback of the runtime, or nothing
  };

  enum class Kind : std::uint8_t {
    Began,  ///< it lasts for longer than the limit
    Lasts,  ///< still: after kRemindAfter, and whenever that has doubled
    Ended,  ///< one that Began was told of
  };
  struct Finding {
    Kind kind{};
    Activity activity;
    ipc::Duration lasted{};
  };

  static constexpr ipc::Duration kRemindAfter = std::chrono::seconds(5);
  /// Two looks that are further apart say that the watcher itself got no CPU, or was stopped with
  /// the whole process: what lies between them is nobody's fault.
  static constexpr ipc::Duration kGap = std::chrono::seconds(1);

  /// `limit` zero or less: nothing is ever found.
  explicit Starvation(ipc::Duration limit) : limit_(limit) {}

  [[nodiscard]] std::vector<Finding> on(const Look& look);

  /// One stretch was there at the last two looks: so long, by now.
  [[nodiscard]] std::optional<ipc::Duration> suspected() const;
  /// How long the activity of now has had the loop, when that is too long; else none.
  [[nodiscard]] std::optional<ipc::Duration> lasts() const;

 private:
  /// Work that has had the loop without a break.
  struct Stretch {
    std::uint64_t step = 0;
    std::uint64_t scope = 0;  // 0: no task.
    Activity activity;
    ipc::TimePoint began;
    ipc::TimePoint last_seen;
    ipc::Duration remind_at{};  // Zero: not told of.
  };

  [[nodiscard]] Stretch begin(const Look& look) const;
  [[nodiscard]] static bool is_same(const Stretch& stretch, const Look& look);
  void judge(std::vector<Finding>& findings);

  ipc::Duration limit_;
  ipc::TimePoint last_look_{};
  std::optional<Stretch> stretch_;
  bool seen_twice_ = false;
};

}  // namespace reeve::worker
