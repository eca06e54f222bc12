#pragma once
// `co_await BoundedWait(task, limit)`: awaits a task, but not for longer than its deadline. Loop
// thread only.

#include <exception>
#include <expected>
#include <memory>
#include <optional>

#include "ipc/base/uv.hpp"
#include "reeve/task.hpp"
#include "reeve/task_group.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {

/// The deadline of a BoundedWait: a type of its own, since the task may throw a TimedOut as well.
class DeadlinePassed final : public TimedOut {
 public:
  using TimedOut::TimedOut;
};

/// Runs the task as a root of its own, so that it can be cancelled alone. At the deadline it is
/// cancelled; if it cannot end at once, since its function occupies a thread, it is left behind.
class BoundedWait final : public Suspension {
 public:
  using Result = std::expected<void, std::exception_ptr>;

  BoundedWait(Task<> task, ipc::Duration limit);
  ~BoundedWait() override;

  /// Nothing when the task ended well, else what it threw, or a DeadlinePassed. Throws Cancelled
  /// only when the one that waits was cancelled, and with it the task.
  [[nodiscard]] Result await_resume();

 private:
  void start(Context& context) override;
  bool abandon() noexcept override;
  void on_end(detail::Outcome<void> outcome);
  void on_timer();
  void give_up_on_task();

  Task<> task_;
  ipc::Duration limit_;
  std::optional<ipc::uv::Timer> timer_;
  /// Whom the end of the task finds: nobody, when it was left behind.
  std::shared_ptr<BoundedWait*> waiter_;
  Spawned running_;
  std::optional<Result> result_;
};

}  // namespace reeve::worker
