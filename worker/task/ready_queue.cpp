#include "worker/task/ready_queue.hpp"

#include "reeve/suspension.hpp"

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
