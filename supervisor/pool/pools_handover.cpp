// The pools, those of a removed configuration too, from one master to the next.
#include <fmt/format.h>

#include "supervisor/pool/pools.hpp"

namespace reeve::supervisor {

std::string Pools::at_work() const {
  if (!rehearsals_.empty()) return fmt::format("{} runs", rehearsals_.front()->name());
  for (const auto* group : {&pools_, &removed_}) {
    for (const auto& pool : *group) {
      if (auto busy = pool->at_work(); !busy.empty()) return busy;
    }
  }
  return "";
}

std::vector<PoolHandover> Pools::hand_over(HandedListeners& listeners) const {
  std::vector<PoolHandover> handed;
  for (const auto* group : {&pools_, &removed_}) {
    for (const auto& pool : *group) {
      handed.push_back(pool->hand_over(listeners));
      handed.back().removed = group == &removed_;
    }
  }
  return handed;
}

void Pools::adopt(const std::vector<PoolHandover>& pools, const ListenerSet& listeners) {
  for (const PoolHandover& handed : pools) {
    auto& group = handed.removed ? removed_ : pools_;
    group.push_back(std::make_unique<PoolRunner>(
        PoolRunner::Dependencies{loop_, log_, launcher_, *this}, handed, listeners, seeds_()));
  }
  for (const auto& pool : pools_) {
    if (is_being_removed(pool->name())) pool->wait_for_lease();
  }
}

int Pools::workers() const {
  std::size_t count = 0;
  for (const auto* group : {&pools_, &removed_}) {
    for (const auto& pool : *group) count += pool->pool().workers().size();
  }
  return static_cast<int>(count);
}

}  // namespace reeve::supervisor
