#include "reeve/suspension.hpp"

#include <cassert>
#include <utility>

#include "worker/runtime/root.hpp"

namespace reeve {

Suspension::~Suspension() {
  if (waiter_) root_->waiting_for_ = nullptr;
}

bool Suspension::suspend(std::coroutine_handle<> waiter, worker::Root* root) {
  assert(root != nullptr && "a task was resumed without spawn()");
  root_ = root;
  if (root->cancelled()) return false;  // check() throws.
  start(root->context());
  waiter_ = waiter;
  root->waiting_for_ = this;
  return true;
}

void Suspension::wake() {
  root_->waiting_for_ = nullptr;
  root_->resume(std::exchange(waiter_, nullptr));
}

void Suspension::check() const {
  if (root_ != nullptr && root_->cancelled()) throw Cancelled();
}

}  // namespace reeve
