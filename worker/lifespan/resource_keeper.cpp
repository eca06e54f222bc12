#include "worker/lifespan/resource_keeper.hpp"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>

namespace reeve::worker {

ResourceKeeper::ResourceKeeper(Context& context, State& state, Observer observer,
                               const Overrides* overrides, const Patience& patience)
    : context_(context),
      state_(state),
      observer_(std::move(observer)),
      overrides_(overrides),
      patience_(patience),
      chance_(static_cast<std::minstd_rand::result_type>(
          ipc::Clock::now().time_since_epoch().count() ^ ::getpid())),
      doomed_timer_(context.loop(), [this] { close_doomed(); }),
      slow_timer_(context.loop(), [this] { name_slow_ones(); }) {}

ResourceKeeper::~ResourceKeeper() {
  for (const NodePointer& node : nodes_) node->retry.detach();
}

std::unique_ptr<Scope> ResourceKeeper::make_scope(Phase phase) {
  return std::unique_ptr<Scope>(new Scope(*this, nullptr, phase));
}

void ResourceKeeper::note(Node& node, std::string detail) {
  if (node.about.note == detail) return;
  node.about.note = std::move(detail);
  if (node.state == NodeState::Open) observer_(Noted{node.about});
}

std::vector<std::string> ResourceKeeper::open_names() const {
  std::vector<std::string> names;
  for (const NodePointer& node : stack_.open()) names.push_back(node->about.name);
  return names;
}

const Node* ResourceKeeper::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      nodes_, [name](const NodePointer& node) { return node->about.name == name; });
  return found == nodes_.end() ? nullptr : found->get();
}

void ResourceKeeper::fail(const NodePointer& node) {
  node->move_to(NodeState::Down);
  close_below(*node);
  if (!node->wanted) forget(node);
}

void ResourceKeeper::forget(const NodePointer& node) {
  node->move_to(NodeState::Ended);
  std::erase(nodes_, node);
  assert((!nodes_.empty() || stack_.open().empty()) && "the stack remembers what has ended");
}

void ResourceKeeper::begin_to_time(Node& node) {
  node.since = ipc::Clock::now();
  node.name_at = node.since + patience_.name_after;
  arm_slow_timer();
}

void ResourceKeeper::name_slow_ones() {
  const ipc::TimePoint now = ipc::Clock::now();
  const auto opening = [](const NodePointer& node) { return node->state == NodeState::Opening; };
  for (const NodePointer& node : std::vector(nodes_)) {
    const bool closing = node->state == NodeState::Closing;
    if ((!closing && !opening(node)) || node->name_at > now) continue;
    node->name_at = now + patience_.name_again;
    // The child that an opening waits for has more to say.
    const bool waits_for_child =
        !closing && std::ranges::any_of(nodes_, [&](const NodePointer& other) {
          return other->parent == node && opening(other);
        });
    if (waits_for_child) continue;
    observer_(TakesLong{node->about, closing, now - node->since, node->deadline - node->since});
  }
  arm_slow_timer();
}

void ResourceKeeper::arm_slow_timer() {
  std::optional<ipc::TimePoint> first;
  for (const NodePointer& node : nodes_) {
    if (node->state != NodeState::Opening && node->state != NodeState::Closing) continue;
    first = first ? std::min(*first, node->name_at) : node->name_at;
  }
  if (!first) return slow_timer_.disarm();
  slow_timer_.arm_from_now(std::max<ipc::Duration>(*first - ipc::Clock::now(), {}));
}

}  // namespace reeve::worker

namespace reeve {

// What an open function gets: all of it is the keeper's.

Task<void*> Scope::open_required(Resource resource) {
  if (resource.options.need == Need::Optional) {
    throw std::invalid_argument("resource " + resource.name +
                                ": an optional one is opened by open_optional()");
  }
  const std::shared_ptr<worker::Node> node = co_await keeper_->open(*this, std::move(resource));
  co_return node->value.value.get();
}

Task<void*> Scope::try_to_open(Resource resource) {
  resource.options.need = Need::Optional;
  const std::shared_ptr<worker::Node> node = co_await keeper_->open(*this, std::move(resource));
  co_return node->state == worker::NodeState::Open ? node->value.value.get() : nullptr;
}

Task<> Scope::do_step(Resource resource) { co_await keeper_->open(*this, std::move(resource)); }

void Scope::note(std::string detail) {
  if (owner_ != nullptr) keeper_->note(*owner_, std::move(detail));
}

State& Scope::state() { return keeper_->state(); }

State& detail::state_of(Scope& scope) { return scope.state(); }

}  // namespace reeve
