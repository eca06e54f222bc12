#include "reeve/suspension.hpp"

#include <cassert>
#include <utility>

#include "worker/task/root.hpp"

namespace reeve {

Suspension::Suspension([[maybe_unused]] Suspension&& fresh) noexcept {
  assert(fresh.phase_ == Phase::Fresh && "moved while it is awaited");
}

Suspension::~Suspension() {
  if (waiting()) leave();
}

bool Suspension::suspend(std::coroutine_handle<> waiter, worker::Root* root) {
  assert(root != nullptr && "a task was resumed without spawn()");
  assert(phase_ == Phase::Fresh && "awaited twice");
  root_ = root;
  if (root->cancelled()) return false;  // check() throws.
  waiter_ = waiter;
  phase_ = Phase::Starting;
  start(root->context());
  if (phase_ == Phase::Over) return false;
  if (phase_ == Phase::Starting) phase_ = Phase::Waiting;
  root->waiting_for_ = this;
  if (root->cancelled() && abandon()) {  // start() may run other tasks, which may cancel this one.
    leave();
    return false;
  }
  return true;
}

void Suspension::leave() {
  if (phase_ == Phase::Queued) root_->context().ready().remove(*this);
  root_->waiting_for_ = nullptr;
  phase_ = Phase::Over;
}

void Suspension::wake() {
  if (phase_ == Phase::Starting) {
    phase_ = Phase::Over;
    return;
  }
  assert(waiting() && "nobody waits");
  leave();
  root_->resume(std::exchange(waiter_, nullptr));
}

void Suspension::wake_later() {
  if (phase_ == Phase::Queued) return;
  assert((phase_ == Phase::Starting || phase_ == Phase::Waiting) && "nobody waits");
  phase_ = Phase::Queued;
  root_->context().ready().add(*this);
}

void Suspension::check() const {
  if (root_ != nullptr && root_->cancelled()) throw Cancelled();
}

}  // namespace reeve

namespace reeve::worker {

void ReadyQueue::add(Suspension& wait) {
  if (first_ == nullptr) turn_of_loop_.start();
  wait.queued_in_turn_ = turn_;
  wait.previous_ = last_;
  wait.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &wait;
  last_ = &wait;
}

void ReadyQueue::remove(Suspension& wait) {
  (wait.previous_ != nullptr ? wait.previous_->next_ : first_) = wait.next_;
  (wait.next_ != nullptr ? wait.next_->previous_ : last_) = wait.previous_;
}

// Tasks that are added meanwhile belong to the next turn: else two could play here for ever.
void ReadyQueue::run() {
  const std::uint64_t turn = turn_++;
  while (first_ != nullptr && first_->queued_in_turn_ == turn) first_->wake();
  if (first_ == nullptr) turn_of_loop_.stop();
}

}  // namespace reeve::worker
