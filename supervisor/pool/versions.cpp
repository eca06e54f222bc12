#include "supervisor/pool/versions.hpp"

#include <algorithm>
#include <utility>

namespace reeve::supervisor {
namespace {

bool holds(const ListenerSet& listeners, const SharedListener& listener) {
  return std::ranges::find(listeners, listener) != listeners.end();
}

bool differs(const Deployment& one, const Deployment& other) {
  return one.config != other.config || one.listeners != other.listeners;
}

void add_to(ListenerSet& all, const ListenerSet& more) {
  for (const SharedListener& listener : more) {
    if (!holds(all, listener)) all.push_back(listener);
  }
}

Deployment from(const Deployment::State& state, const ListenerSet& listeners) {
  ListenerSet own;
  for (const std::size_t place : state.listeners) own.push_back(listeners[place]);
  return Deployment::with(state.config, std::move(own));
}

}  // namespace

Versions::Versions(Generation in_force, Deployment deployment) : settled_(in_force) {
  deployments_.emplace(in_force, std::move(deployment));
}

Versions::Versions(const State& state, Generation in_force, const ListenerSet& listeners)
    : settled_(in_force) {
  for (const Deployment::State& deployment : state.deployments) {
    deployments_.emplace(deployment.generation, from(deployment, listeners));
  }
  if (state.previous) previous_ = from(*state.previous, listeners);
  if (state.adoption) waiting_ = from(*state.adoption, listeners);
}

Versions::State Versions::state(const PlaceOf& place_of) const {
  const auto save = [&place_of](Generation generation, const Deployment& deployment) {
    Deployment::State saved{.generation = generation, .config = deployment.config, .listeners = {}};
    for (const SharedListener& listener : deployment.listeners) {
      saved.listeners.push_back(place_of(*listener));
    }
    return saved;
  };
  State state;
  for (const auto& [generation, deployment] : deployments_) {
    state.deployments.push_back(save(generation, deployment));
  }
  if (previous_) state.previous = save({}, *previous_);
  if (waiting_) state.adoption = save({}, *waiting_);
  return state;
}

const Deployment* Versions::find(Generation generation) const {
  const auto found = deployments_.find(generation);
  return found == deployments_.end() ? nullptr : &found->second;
}

void Versions::prepare(Generation generation, Deployment next) {
  deployments_.insert_or_assign(generation, std::move(next));
}

std::optional<Deployment> Versions::take_waiting() { return std::exchange(waiting_, std::nullopt); }

void Versions::set_workers(Generation in_force, int workers) {
  deployments_.at(in_force).config.spec.workers = workers;
  if (waiting_) waiting_->config.spec.workers = workers;
}

void Versions::settle(Generation in_force) {
  if (in_force != settled_) {
    auto old = deployments_.extract(std::exchange(settled_, in_force));
    if (!old.empty() && differs(old.mapped(), at(in_force))) previous_ = std::move(old.mapped());
  }
  std::erase_if(deployments_, [in_force](const auto& entry) { return entry.first != in_force; });
}

ListenerSet Versions::listeners() const {
  ListenerSet all;
  for (const auto& [generation, deployment] : deployments_) add_to(all, deployment.listeners);
  if (waiting_) add_to(all, waiting_->listeners);
  return all;
}

ListenerSet Versions::listeners_of_the_past() const {
  if (!previous_) return {};
  ListenerSet past = previous_->listeners;
  std::erase_if(past, [this](const auto& one) { return holds(at(settled_).listeners, one); });
  return past;
}

}  // namespace reeve::supervisor
