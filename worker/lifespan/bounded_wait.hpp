#pragma once
// `co_await BoundedWait(task, limit)`: awaits a task, but not for longer than its deadline. Loop
// thread only.

#include <expected>
#include <memory>
#include <optional>

#include "ipc/base/uv.hpp"
#include "reeve/task.hpp"
#include "worker/lifespan/start_failure.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {

/// Runs the task as a root of its own, so that it can be cancelled alone. At the deadline it is
/// cancelled; if it cannot end at once, since its function occupies a thread, it is left behind.
class BoundedWait final : public Suspension {
 public:
  BoundedWait(Task<> task, ipc::Duration limit);
  ~BoundedWait() override;

  /// Nothing when the task ended well, else why not. Throws Cancelled only when the
  /// one that waits was cancelled, and with it the task.
  [[nodiscard]] std::expected<void, StartFailure> await_resume();

 private:
  /// Lets the end of a task that was left behind find out that nobody waits any more.
  struct Race {
    BoundedWait* waiter;
  };

  void start(Context& context) override;
  bool abandon() noexcept override;
  void on_end(detail::Outcome<void> outcome);
  void on_timer();
  void give_up_on_task();

  Task<> task_;
  ipc::Duration limit_;
  std::optional<ipc::uv::Timer> timer_;
  std::shared_ptr<Race> race_;
  Spawned running_;
  std::optional<std::expected<void, StartFailure>> result_;
};

}  // namespace reeve::worker
