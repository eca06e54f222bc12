// How a ResourceKeeper closes: everything at the end, in reverse; what a failed opening has left,
// at once; and a value that came too late.

#include <algorithm>
#include <utility>

#include "worker/lifespan/bounded_wait.hpp"
#include "worker/lifespan/resource_keeper.hpp"

namespace reeve::worker {
namespace {

const Activity kUnwinding{ActivityKind::Resource, "closing what a failed start has left"};

}  // namespace

Task<> ResourceKeeper::close(ipc::TimePoint deadline) {
  teardown_ = deadline;
  teardown_goes_on_ = true;
  doomed_timer_.disarm();
  close_doomed();
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
  while (const auto next = stack_.next()) {
    const NodePointer node = find(*next);
    stack_.closing(node->id);
    co_await close_one(node);
  }
}

/// Only with those that were cancelled before their deadline: one that is past it hangs.
ipc::Duration ResourceKeeper::patience_with_stragglers() const {
  ipc::TimePoint until{};
  for (const NodePointer& node : nodes_) {
    if (node->running) until = std::max(until, node->deadline);
  }
  return std::min(until, *teardown_) - ipc::Clock::now();
}

void ResourceKeeper::close_below(const Node& node) {
  const auto is_below = [&node](const Node* at) {
    while (at != nullptr && at != &node) at = at->parent.get();
    return at != nullptr;
  };
  for (const NodePointer& other : std::vector(nodes_)) {
    if (other->state == NodeState::Open || !is_below(other->parent.get())) continue;
    other->unwanted = true;
    other->retry.cancel();
    if (!other->running && other->state == NodeState::Down) give_up(other);
  }
  close_soon(stack_.open_below(node.id));
}

void ResourceKeeper::close_unwanted(const NodePointer& node) {
  stack_.opened(node->id);
  std::vector<ExitStack::Id> ids = stack_.open_below(node->id);
  ids.insert(ids.begin(), node->id);
  close_soon(ids);
}

/// On the next turn: what one cancel has ended at many places is closed in one order.
void ResourceKeeper::close_soon(const std::vector<ExitStack::Id>& ids) {
  if (ids.empty() || teardown_goes_on_) return;  // The teardown will come to them.
  if (doomed_.empty()) {
    closers_.begin();
    doomed_timer_.arm({});
  }
  doomed_.insert(ids.begin(), ids.end());
}

void ResourceKeeper::close_doomed() {
  const std::set<ExitStack::Id> doomed = std::exchange(doomed_, {});
  if (doomed.empty()) return;
  std::vector<ExitStack::Id> ids = stack_.open();
  std::erase_if(ids, [&](ExitStack::Id id) { return !doomed.contains(id); });
  std::vector<NodePointer> nodes;
  for (; !ids.empty() && !teardown_goes_on_; ids.pop_back()) {
    nodes.push_back(find(ids.back()));
    stack_.closing(ids.back());
  }
  spawn(context_, kUnwinding, close_in_order(std::move(nodes)),
        [this](const auto&) { closers_.end(); });
}

Task<> ResourceKeeper::close_in_order(std::vector<NodePointer> nodes) {
  for (const NodePointer& node : nodes) co_await close_one(node);
}

Task<> ResourceKeeper::close_one(NodePointer node) {
  node->state = NodeState::Closing;
  begin_to_time(*node);
  ipc::Duration limit = node->resource.options.close_within;
  if (teardown_) {
    const ipc::Duration left = *teardown_ - node->since;
    limit = std::min(limit, std::max<ipc::Duration>(left, kLeastCloseTime));
  }
  node->deadline = node->since + limit;
  observer_(Closing{node->about});

  std::expected<void, StartFailure> result;
  if (node->resource.close) result = co_await BoundedWait(run_close(node), limit);
  drop_value(*node, node->closing_runs);
  stack_.closed(node->id);
  const ipc::Duration took = ipc::Clock::now() - node->since;
  forget(node);
  arm_slow_timer();
  if (result) {
    observer_(Closed{node->about, took});
  } else {
    observer_(CloseFailed{node->about, std::move(result.error().reason), took});
  }
}

Task<> ResourceKeeper::run_close(NodePointer node) {
  node->closing_runs = true;
  std::exception_ptr error;
  try {
    co_await node->resource.close(node->value.value.get());
  } catch (...) {
    error = std::current_exception();
  }
  node->closing_runs = false;
  if (error) std::rethrow_exception(error);
}

/// Any function on a thread may use what is in the State, or was; what never was, only one of the
/// same opening. So the retries of one do not keep values for as long as another one hangs.
void ResourceKeeper::drop_value(Node& node, bool still_closing) {
  const auto top_of = [](const Node* at) {
    while (at->parent != nullptr) at = at->parent.get();
    return at;
  };
  const auto may_use = [&](const NodePointer& other) {
    const bool left_behind = other->running && !other->awaited;
    return left_behind && (node.shown || teardown_ || top_of(other.get()) == top_of(&node));
  };
  const bool in_use = still_closing || std::ranges::any_of(nodes_, may_use) ||
                      (teardown_ && context_.threads().running() > 0);
  if (node.stored) state_.take(*node.resource.type);
  node.stored = node.shown = false;
  if (in_use) kept_.push_back(std::move(node.value.value));
  node.value = {};
}

}  // namespace reeve::worker
