// How a ResourceKeeper opens: one attempt within its deadline, what becomes of a failure, and the
// attempts after it.

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "worker/lifespan/resource_keeper.hpp"
#include "worker/task/bounded_wait.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

const Activity kRetryActivity{ActivityKind::Resource, "the retry of a resource"};

/// Neither it nor anything that it is nested in can still turn out to be down.
bool is_certain(const Node& node) {
  for (const Node* at = &node; at != nullptr; at = at->parent.get()) {
    if (at->optional() && at->state != NodeState::Open) return false;
  }
  return true;
}

}  // namespace

Task<ResourceKeeper::NodePointer> ResourceKeeper::open(Scope& scope, Resource resource) {
  NodePointer node = enter(scope, std::move(resource));
  const bool opened = co_await attempt(node);
  if (!opened && !node->optional()) throw OpenError(node->about.name, node->reason, node->error);
  if (node->state == NodeState::Down) retry_later(node);
  co_return node;
}

ResourceKeeper::NodePointer ResourceKeeper::enter(Scope& scope, Resource resource) {
  if (teardown_) throw Cancelled();
  detail::refuse_nonsense(resource, scope.phase_);
  const NodePointer parent = scope.owner_ ? scope.owner_->shared_from_this() : nullptr;
  About about{.name = parent ? parent->about.name + "/" + resource.name : resource.name,
              .phase = scope.phase_,
              .need = parent && parent->about.need == Need::Optional ? Need::Optional
                                                                     : resource.options.need,
              .kind = resource.options.kind,
              .note = {}};
  refuse_entry(scope, about.name, resource);
  return nodes_.emplace_back(
      std::make_shared<Node>(*this, std::move(resource), std::move(about), parent));
}

void ResourceKeeper::refuse_entry(const Scope& scope, const std::string& name,
                                  const Resource& resource) const {
  if (scope.owner_ != nullptr && !scope.owner_->running()) {
    throw std::logic_error(fmt::format("resource {}: the open function of {} has ended", name,
                                       scope.owner_->about.name));
  }
  for (const NodePointer& other : nodes_) {
    if (other->about.name == name) {
      throw std::invalid_argument(
          fmt::format("resource {}: there is one of that name already", name));
    }
    if (resource.type != nullptr && other->resource.type != nullptr &&
        *other->resource.type == *resource.type) {
      throw std::logic_error(
          fmt::format("resource {}: {} has a value of the same type; wrap one of the two in a type",
                      name, other->about.name));
    }
  }
  if (resource.type != nullptr && state_.holds(*resource.type)) {
    throw std::logic_error(fmt::format(
        "resource {}: there is a value of its type already; wrap one of the two", name));
  }
}

void ResourceKeeper::begin_attempt(Node& node) {
  node.move_to(NodeState::Opening);
  ++node.attempt;
  node.error = nullptr;
  begin_to_time(node);
  node.deadline = node.since + node.resource.options.open_within;
  observer_(Opening{node.about, node.attempt});
}

Task<bool> ResourceKeeper::attempt(NodePointer node) {
  begin_attempt(*node);
  BoundedWait::Result result;
  bool cancelled = false;
  try {
    result = co_await BoundedWait(run_open(node), node->resource.options.open_within);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  // An optional one is welcome even when it has come in the moment of its deadline.
  const bool welcome = !cancelled && (result || node->optional());
  if (node->state == NodeState::Returned && welcome && accept(*node)) co_return true;

  if (!result) {
    if (is_a<DeadlinePassed>(result.error())) node->error = nullptr;  // A mere Cancelled.
    node->reason = describe(result.error());
  }
  settle_failure(node, cancelled);
  if (cancelled) throw Cancelled();
  try {
    co_await closers_.all_ended();
  } catch (const Cancelled&) {
    if (node->state == NodeState::Down) forget(node);
    throw;
  }
  co_return false;
}

Task<> ResourceKeeper::run_open(NodePointer node) {
  std::exception_ptr error;
  try {
    const std::type_info* const type = node->resource.type;
    const Override* const replaced =
        overrides_ != nullptr && type != nullptr ? overrides_->find(*type) : nullptr;
    if (replaced != nullptr) {
      node->value = {type, replaced->make()};
      node->resource.close = nullptr;
    } else {
      node->value = co_await node->resource.open(node->scope);
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (node->state == NodeState::Late) co_return on_late(node, error);
  node->move_to(error ? NodeState::Failed : NodeState::Returned);
  node->error = error;
  if (error) std::rethrow_exception(error);
}

/// False when the State refuses the value: a mistake of the program, which no retry mends.
bool ResourceKeeper::accept(Node& node) {
  if (node.value.type != nullptr) {
    try {
      state_.add(node.value);
    } catch (const std::logic_error& error) {
      node.reason = error.what();
      node.wanted = false;
      return false;
    }
    node.visibility = Visibility::Stored;
  }
  stack_.push(node.shared_from_this());
  node.move_to(NodeState::Open);
  show_what_is_certain();
  const ipc::TimePoint now = ipc::Clock::now();
  const Opened opened{node.about, now - node.since, node.attempt,
                      node.attempt > 1 ? now - node.down_since : ipc::Duration()};
  node.attempt = 0;
  node.retry_pause.reset();
  arm_slow_timer();
  observer_(opened);
  return true;
}

void ResourceKeeper::show_what_is_certain() {
  for (const NodePointer& node : nodes_) {
    if (node->visibility != Visibility::Stored || !is_certain(*node)) continue;
    state_.show(*node->resource.type);
    node->visibility = Visibility::Shown;
  }
}

/// After an attempt that nobody waits for any more: what has come of it is closed.
void ResourceKeeper::settle_failure(const NodePointer& node, bool cancelled) {
  node->wanted = node->wanted && node->optional() && !cancelled && !gives_up();
  if (node->state == NodeState::Opening) {
    node->move_to(NodeState::Late);  // on_late() is its end.
    stragglers_.begin();
  }
  arm_slow_timer();
  report_failure(*node, cancelled);
  if (node->state == NodeState::Returned) close_unwanted(node);
  if (node->state == NodeState::Failed) fail(node);
}

void ResourceKeeper::report_failure(Node& node, bool cancelled) {
  const ipc::TimePoint now = ipc::Clock::now();
  if (node.attempt == 1) node.down_since = now;
  const double chance = static_cast<double>(chance_() - std::minstd_rand::min()) /
                        static_cast<double>(std::minstd_rand::max());
  node.pause = node.wanted ? ipc::Duration(node.retry_pause.next(chance)) : ipc::Duration();
  observer_(OpenFailed{.about = node.about,
                       .reason = cancelled ? "cancelled" : node.reason,
                       .attempt = node.attempt,
                       .down = now - node.down_since,
                       .retry_in = node.pause,
                       .cancelled = cancelled});
}

/// The open function has ended after all, long after its deadline or a cancel.
void ResourceKeeper::on_late(const NodePointer& node, const std::exception_ptr& error) {
  if (gives_up()) node->wanted = false;
  if (error) {
    fail(node);
    if (node->wanted) retry_later(node);
  } else if (!node->wanted) {
    close_unwanted(node);
  } else if (!accept(*node)) {
    report_failure(*node, false);
    close_unwanted(node);
  }
  stragglers_.end();
}

void ResourceKeeper::retry_later(const NodePointer& node) {
  // A late end of its function, and the attempt that waited for it, may both ask for it.
  if (node->retry.running()) return;
  node->retry = spawn(context_, kRetryActivity, keep_trying(node), [](const auto&) {});
}

Task<> ResourceKeeper::keep_trying(NodePointer node) {
  while (node->state == NodeState::Down) {
    co_await sleep_for(node->pause);
    const bool opened = co_await attempt(node);
    if (opened) co_return;
  }
}

void ResourceKeeper::stop_retrying() {
  retrying_stopped_ = true;
  for (const NodePointer& node : std::vector(nodes_)) {
    if (node->state == NodeState::Open) continue;
    if (node->state == NodeState::Late || node->state == NodeState::Down) node->wanted = false;
    node->retry.cancel();
  }
}

}  // namespace reeve::worker
