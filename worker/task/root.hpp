#pragma once
// The root of one chain of tasks: the only place that resumes coroutines, and where a cancel
// arrives. A chain waits for at most one thing at a time, so a Root knows at most one Suspension.
// A Suspension may be a TaskGroup, whose branches are roots again. Made by spawn() or by a
// TaskGroup, never by hand. Loop thread only.

#include <coroutine>

#include "worker/task/context.hpp"
#include "worker/task/loop_activity.hpp"

namespace reeve {
class Suspension;
namespace detail {
struct PromiseBase;
void adopt(PromiseBase& promise, worker::Root& root);
}  // namespace detail
}  // namespace reeve

namespace reeve::worker {

class Spawned;

class Root {
 public:
  /// A task that nobody awaits: the Context destroys it when it has not ended by then. The activity
  /// outlives it.
  Root(Context& context, const Activity& activity);
  /// A branch of what `parent` does: owned by the one that waits for it.
  struct Branch {};
  Root(Root& parent, Branch);
  virtual ~Root();
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  [[nodiscard]] Context& context() const { return context_; }
  /// What its work is for.
  [[nodiscard]] const Activity& activity() const { return activity_; }
  [[nodiscard]] bool cancelled() const { return cancelled_; }

  /// Runs the chain until it waits or ends. When it ended, the Root is gone afterwards.
  void resume(std::coroutine_handle<> coroutine);
  /// Makes the current wait and all later ones throw Cancelled. Once: later calls do nothing. The
  /// Root may be gone afterwards.
  void cancel();

 protected:
  [[nodiscard]] virtual bool done() const = 0;
  /// Tells the spawner how the chain ended. `this` may be gone afterwards.
  virtual void finish() = 0;

 private:
  friend class reeve::Suspension;
  friend void reeve::detail::adopt(detail::PromiseBase& promise, Root& root);
  friend class Context;
  friend class Spawned;

  Context& context_;
  const Activity& activity_;
  Root* previous_ = nullptr;
  Root* next_ = nullptr;
  Suspension* waiting_for_ = nullptr;
  std::coroutine_handle<> going_on_;  // The coroutine of the chain that runs next.
  Spawned* handle_ = nullptr;
  const bool branch_;
  bool cancelled_ = false;
};

}  // namespace reeve::worker
