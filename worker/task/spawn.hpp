#pragma once
// spawn(): starts a task that nobody awaits, and says how it ended. Loop thread only.

#include <utility>

#include "reeve/task.hpp"
#include "worker/task/root.hpp"

namespace reeve::worker {

/// A started task. Destroying the handle lets the task go on alone.
class Spawned {
 public:
  Spawned() = default;
  explicit Spawned(Root& root) : root_(&root) { root.handle_ = this; }
  Spawned(Spawned&& other) noexcept { *this = std::move(other); }
  Spawned& operator=(Spawned&& other) noexcept {
    if (this == &other) return *this;
    detach();
    root_ = std::exchange(other.root_, nullptr);
    if (root_ != nullptr) root_->handle_ = this;
    return *this;
  }
  ~Spawned() { detach(); }

  [[nodiscard]] bool running() const { return root_ != nullptr; }
  /// Makes the task's current or next wait throw Cancelled. It may end, and call its `on_done`,
  /// before this returns. Does nothing when it has ended.
  void cancel() {
    if (root_ != nullptr) root_->cancel();
  }
  void detach() {
    if (root_ != nullptr) std::exchange(root_, nullptr)->handle_ = nullptr;
  }

 private:
  friend class Root;
  Root* root_ = nullptr;
};

template <class T, class OnDone>
class SpawnedRoot final : public Root {
 public:
  SpawnedRoot(Context& context, const Activity& activity, Task<T> task, OnDone on_done)
      : Root(context, activity), on_done_(std::move(on_done)), task_(std::move(task)) {}
  void begin() { resume(task_.bind(*this)); }

 private:
  [[nodiscard]] bool done() const override { return task_.done(); }
  void finish() override {
    detail::Outcome<T> outcome = task_.take();
    OnDone on_done = std::move(on_done_);
    delete this;  // First, so that the callback may destroy what the task used.
    on_done(std::move(outcome));
  }

  OnDone on_done_;
  Task<T> task_;
};

/// Runs `task` at once, up to its first wait, then on the loop until it ends; then calls
/// `on_done(std::expected<T, std::exception_ptr>)` once. That can be before spawn() returns.
/// `on_done` is not called when the Context is destroyed first. It must not throw.
/// `activity` is what the watch shows when the task blocks the loop, or a function of it a thread;
/// it has to live until `on_done` is called: what `on_done` owns does.
template <class T, class OnDone>
Spawned spawn(Context& context, const Activity& activity, Task<T> task, OnDone on_done) {
  auto* root = new SpawnedRoot<T, OnDone>(context, activity, std::move(task), std::move(on_done));
  Spawned handle(*root);  // Emptied by the Root when the task ends.
  root->begin();
  return handle;
}

template <class T, class OnDone>
Spawned spawn(Context& context, Activity&& activity, Task<T> task, OnDone on_done) = delete;

/// The same, for work that nobody is to blame for.
template <class T, class OnDone>
Spawned spawn(Context& context, Task<T> task, OnDone on_done) {
  return spawn(context, Activity::unnamed(), std::move(task), std::move(on_done));
}

}  // namespace reeve::worker
