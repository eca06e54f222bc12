#include "worker/task/root.hpp"

#include <utility>

#include "reeve/suspension.hpp"
#include "reeve/task.hpp"
#include "worker/task/spawn.hpp"

namespace reeve {

void detail::adopt(PromiseBase& promise, worker::Root& root) {
  promise.root = &root;
  promise.next = &root.going_on_;
}

namespace worker {

Root::Root(Context& context, const Activity& activity)
    : context_(context), activity_(activity), next_(context.first_), branch_(false) {
  if (next_ != nullptr) next_->previous_ = this;
  context.first_ = this;
  ++context.roots_;
}

Root::Root(Root& parent, Branch /*unused*/)
    : context_(parent.context_), activity_(parent.activity_), branch_(true) {
  ++context_.roots_;
}

Root::~Root() {
  --context_.roots_;
  if (handle_ != nullptr) handle_->root_ = nullptr;
  if (branch_) return;
  if (next_ != nullptr) next_->previous_ = previous_;
  (previous_ != nullptr ? previous_->next_ : context_.first_) = next_;
}

void Root::resume(std::coroutine_handle<> coroutine) {
  {
    const LoopActivity::Scope scope(context_.loop_activity(), activity_);
    going_on_ = coroutine;
    while (going_on_) std::exchange(going_on_, nullptr).resume();
  }
  if (done()) finish();
}

void Root::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  if (waiting_for_ != nullptr && waiting_for_->abandon()) waiting_for_->wake();
}

Context::~Context() {
  while (first_ != nullptr) delete first_;
}

}  // namespace worker
}  // namespace reeve
