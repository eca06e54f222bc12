// How a ResourceKeeper closes: everything at the end, in reverse; what a failed opening has left,
// at once; and a value that came too late.

#include <algorithm>
#include <utility>

#include "worker/lifespan/resource_keeper.hpp"
#include "worker/task/bounded_wait.hpp"
#include "worker/task/finally.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

const Activity kUnwinding{ActivityKind::Resource, "closing what a failed start has left"};

}  // namespace

Task<> ResourceKeeper::close(ipc::TimePoint deadline) {
  teardown_ = deadline;
  teardown_goes_on_ = true;
  if (doomed_timer_.armed()) {  // Whatever is doomed is on the stack, too.
    doomed_timer_.disarm();
    closers_.end();
  }
  stop_retrying();
  co_await close_all_open();
  // What a stop has cut short often ends soon after, and what it opened wants to be closed.
  const ipc::Duration patience = patience_with_stragglers();
  if (patience > ipc::Duration()) {
    (void)co_await BoundedWait(stragglers_.all_ended(), patience);
    co_await close_all_open();
  }
  teardown_goes_on_ = false;
}

Task<> ResourceKeeper::close_all_open() {
  if (closers_.count() > 0) {
    const ipc::Duration left = *teardown_ - ipc::Clock::now();
    (void)co_await BoundedWait(closers_.all_ended(),
                               std::max<ipc::Duration>(left, kLeastCloseTime));
  }
  while (!stack_.open().empty()) {
    const NodePointer node = stack_.open().back();
    stack_.remove(node);
    co_await close_one(node);
  }
}

/// Only with those that were cancelled before their deadline: one that is past it hangs.
ipc::Duration ResourceKeeper::patience_with_stragglers() const {
  ipc::TimePoint until{};
  for (const NodePointer& node : nodes_) {
    if (node->running()) until = std::max(until, node->deadline);
  }
  return std::min(until, *teardown_) - ipc::Clock::now();
}

void ResourceKeeper::close_below(const Node& node) {
  for (const NodePointer& other : std::vector(nodes_)) {
    if (other->state == NodeState::Open || !is_below(*other, node)) continue;
    other->wanted = false;
    other->retry.cancel();
    if (other->state == NodeState::Down) forget(other);
  }
  close_soon(stack_.open_below(node));
}

void ResourceKeeper::close_unwanted(const NodePointer& node) {
  node->move_to(NodeState::Doomed);
  stack_.push(node);
  std::vector<NodePointer> nodes = stack_.open_below(*node);
  nodes.push_back(node);
  close_soon(nodes);
}

/// On the next turn: what one cancel has ended at many places is closed in one order.
void ResourceKeeper::close_soon(const std::vector<NodePointer>& nodes) {
  if (nodes.empty() || teardown_goes_on_) return;  // The teardown will come to them.
  if (!doomed_timer_.armed()) {
    closers_.begin();
    doomed_timer_.arm({});
  }
  for (const NodePointer& node : nodes) {
    if (node->state == NodeState::Open) node->move_to(NodeState::Doomed);
  }
}

void ResourceKeeper::close_doomed() {
  std::vector<NodePointer> nodes = stack_.open();
  std::erase_if(nodes, [](const NodePointer& node) { return node->state != NodeState::Doomed; });
  std::ranges::reverse(nodes);
  for (const NodePointer& node : nodes) stack_.remove(node);
  spawn(context_, kUnwinding, close_in_order(std::move(nodes)),
        [this](const auto&) { closers_.end(); });
}

Task<> ResourceKeeper::close_in_order(std::vector<NodePointer> nodes) {
  for (const NodePointer& node : nodes) co_await close_one(node);
}

Task<> ResourceKeeper::close_one(NodePointer node) {
  node->move_to(NodeState::Closing);
  begin_to_time(*node);
  ipc::Duration limit = node->resource.options.close_within;
  if (teardown_) {
    const ipc::Duration left = *teardown_ - node->since;
    limit = std::min(limit, std::max<ipc::Duration>(left, kLeastCloseTime));
  }
  node->deadline = node->since + limit;
  observer_(Closing{node->about});

  BoundedWait::Result result;
  if (node->resource.close) result = co_await BoundedWait(run_close(node), limit);
  drop_value(*node);
  const ipc::Duration took = ipc::Clock::now() - node->since;
  forget(node);
  arm_slow_timer();
  if (result) {
    observer_(Closed{node->about, took});
  } else {
    observer_(CloseFailed{node->about, describe(result.error()), took});
  }
}

Task<> ResourceKeeper::run_close(NodePointer node) {
  const Finally ended([&node] {
    if (node->state == NodeState::Closing) node->move_to(NodeState::Closed);
  });
  co_await node->resource.close(node->value.value.get());
}

/// Any function on a thread may use what is in the State, or was; what never was, only one of the
/// same opening. So the retries of one do not keep values for as long as another one hangs.
void ResourceKeeper::drop_value(Node& node) {
  const auto top_of = [](const Node* at) {
    while (at->parent != nullptr) at = at->parent.get();
    return at;
  };
  const auto may_use = [&](const NodePointer& other) {
    if (other->state != NodeState::Late) return false;
    return node.visibility == Visibility::Shown || teardown_ ||
           top_of(other.get()) == top_of(&node);
  };
  const bool still_closing = node.resource.close && node.state == NodeState::Closing;
  const bool in_use = still_closing || std::ranges::any_of(nodes_, may_use) ||
                      (teardown_ && context_.threads().running() > 0);
  if (node.visibility != Visibility::None) state_.take(*node.resource.type);
  node.visibility = Visibility::None;
  if (in_use) kept_.push_back(std::move(node.value.value));
  node.value = {};
}

}  // namespace reeve::worker
