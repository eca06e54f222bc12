#include "worker/task/loop_activity.hpp"

namespace reeve::worker {

const Activity& Activity::unnamed() {
  static const Activity kUnnamed{.kind = ActivityKind::Other, .name = "a task without a name"};
  return kUnnamed;
}

// A looker counts itself before it reads the pointer; who leaves changes the pointer before it
// reads the count (both sequentially consistent). So either the looker finds the outer activity, or
// the one that leaves finds the looker, and waits until it has its copy.

std::optional<LoopActivity::Seen> LoopActivity::look() const {
  ++lookers_;
  std::optional<Seen> seen;
  if (const Activity* activity = activity_.load()) {
    seen = Seen{.activity = *activity,
                .since = ipc::from_nanoseconds(since_ns_.load(std::memory_order_relaxed)),
                .scope = scope_.load(std::memory_order_relaxed)};
  }
  if (--lookers_ == 0) lookers_.notify_one();
  return seen;
}

// The time before the activity, and on the way out after it: a looker in between takes it for
// shorter than it is, which alarms nobody.

LoopActivity::Scope::Scope(LoopActivity& loop_activity, const Activity& activity)
    : loop_activity_(loop_activity),
      outer_activity_(loop_activity.activity_.load(std::memory_order_relaxed)),
      outer_since_(loop_activity.since_ns_.load(std::memory_order_relaxed)),
      outer_scope_(loop_activity.scope_.load(std::memory_order_relaxed)) {
  loop_activity_.since_ns_.store(ipc::to_nanoseconds(ipc::Clock::now()), std::memory_order_relaxed);
  loop_activity_.scope_.store(++loop_activity_.scopes_, std::memory_order_relaxed);
  loop_activity_.activity_.store(&activity, std::memory_order_release);
}

LoopActivity::Scope::~Scope() {
  loop_activity_.activity_.exchange(outer_activity_);
  while (const std::uint32_t lookers = loop_activity_.lookers_.load()) {
    loop_activity_.lookers_.wait(lookers);
  }
  loop_activity_.since_ns_.store(outer_since_, std::memory_order_relaxed);
  loop_activity_.scope_.store(outer_scope_, std::memory_order_relaxed);
}

}  // namespace reeve::worker
