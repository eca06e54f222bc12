#pragma once
// Which activity has the loop, and since when: written by the loop thread around every resume, read
// by a watcher while the loop is blocked. Writing costs a clock read and two atomic operations, so
// it is always on. It refuses to judge: how long is too long is the watcher's business.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "ipc/base/clock.hpp"

namespace reeve::worker {

enum class ActivityKind : std::uint8_t { Other, Request, Background, Scheduled, Resource };

/// The purpose of a root task's work, in words: what is to blame when it blocks the loop or fills
/// the thread pool. A plain value; the code that spawns the work owns it, and it outlives that
/// work.
struct Activity {
  ActivityKind kind = ActivityKind::Other;
  /// What a person calls it: "GET /users/{id}", "scheduled clean-up", "opening redis".
  std::string name;

  /// The activity of work that nobody named.
  [[nodiscard]] static const Activity& unnamed();
};

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
  std::atomic<std::uint64_t> since_ns_ = 0;  // When the activity began.
  std::atomic<std::uint64_t> scope_ = 0;
  std::uint64_t scopes_ = 0;  // Loop thread only.
  mutable std::atomic<std::uint32_t> lookers_ = 0;
};

}  // namespace reeve::worker
