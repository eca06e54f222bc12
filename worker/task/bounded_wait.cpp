#include "worker/task/bounded_wait.hpp"

#include <utility>

namespace reeve::worker {

BoundedWait::BoundedWait(Task<> task, ipc::Duration limit)
    : task_(std::move(task)), limit_(limit) {}

BoundedWait::~BoundedWait() {
  if (waiter_) *waiter_ = nullptr;
}

void BoundedWait::start(Context& context) {
  timer_.emplace(context.loop(), [this] { on_timer(); });
  timer_->arm_from_now(limit_);
  waiter_ = std::make_shared<BoundedWait*>(this);
  running_ = spawn(context, root().activity(), std::move(task_),
                   [waiter = waiter_](detail::Outcome<void> outcome) {
                     if (*waiter != nullptr) (*waiter)->on_end(std::move(outcome));
                   });
}

bool BoundedWait::abandon() noexcept {
  timer_.reset();
  give_up_on_task();
  return true;
}

void BoundedWait::on_end(detail::Outcome<void> outcome) {
  result_ = std::move(outcome);
  wake();
}

void BoundedWait::on_timer() {
  if (!result_) {
    result_ = std::unexpected(std::make_exception_ptr(DeadlinePassed(limit_)));
    give_up_on_task();
  }
  wake();
}

void BoundedWait::give_up_on_task() {
  *waiter_ = nullptr;
  running_.cancel();
}

BoundedWait::Result BoundedWait::await_resume() {
  check();
  return std::move(*result_);
}

}  // namespace reeve::worker
