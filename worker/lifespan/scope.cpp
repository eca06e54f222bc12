#include "reeve/scope.hpp"

#include <stdexcept>
#include <utility>

#include "worker/lifespan/resource_keeper.hpp"

namespace reeve {

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
