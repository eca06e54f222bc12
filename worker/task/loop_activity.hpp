#pragma once
// Which activity has the loop, and since when: written by the loop thread around every resume, read
// by a watcher while the loop is blocked. Writing costs a clock read and two atomic operations, so
// it is always on. It refuses to judge: how long is too long is the watcher's business.

#include <atomic>
#include <cstdint>
#include <optional>

#include "ipc/base/clock.hpp"
#include "worker/task/activity.hpp"

namespace reeve::worker {

class LoopActivity {
 public:
  LoopActivity() = default;
  LoopActivity(const LoopActivity&) = delete;
  LoopActivity& operator=(const LoopActivity&) = delete;

  struct Seen {
    Activity activity;
    ipc::TimePoint since;
    /// The same number: the loop has been in it without a break.
    std::uint64_t scope = 0;
  };

  /// The activity that has the loop now; the innermost, when one task started another. Any thread.
  /// The loop cannot leave the activity while it is copied, so it is whole even if it is about to
  /// end. `since` may be later than the truth for an instant, never earlier.
  [[nodiscard]] std::optional<Seen> look() const;
  /// As cheap as a read can be: since when, or nothing while the loop is idle. Any thread.
  [[nodiscard]] std::optional<ipc::TimePoint> since() const;

  /// The activity has the loop for as long as this lives. They nest. Loop thread only.
  class Scope {
   public:
    Scope(LoopActivity& loop_activity, const Activity& activity);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    LoopActivity& loop_activity_;
    const Activity* outer_activity_;
    std::uint64_t outer_since_;
    std::uint64_t outer_scope_;
  };

 private:
  std::atomic<const Activity*> activity_ = nullptr;
  std::atomic<std::uint64_t> since_ns_ = 0;  // 0: idle.
  std::atomic<std::uint64_t> scope_ = 0;
  std::uint64_t scopes_ = 0;  // Loop thread only.
  mutable std::atomic<std::uint32_t> lookers_ = 0;
};

}  // namespace reeve::worker
