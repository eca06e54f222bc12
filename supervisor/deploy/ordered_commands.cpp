#include "supervisor/deploy/ordered_commands.hpp"

#include <algorithm>
#include <utility>

namespace reeve::supervisor {
namespace {

/// The other is on its list of `after`.
bool is_after(const PoolRunner* pool, const std::string& other) {
  if (pool == nullptr) return false;
  const auto& after = pool->deployment().config.after;
  return std::ranges::find(after, other) != after.end();
}

}  // namespace

void OrderedCommands::begin(Kind kind, CommandId command, const std::vector<Target>& targets) {
  Order order{.kind = kind, .stage = Stage::Stopping, .parts = {}};
  for (const Target& target : targets) order.parts.push_back({.target = target});
  const bool in_order =
      std::ranges::any_of(order.parts, [&](const Part& part) { return has_to_wait(order, part); });
  if (kind == Kind::Start || (kind == Kind::HardRestart && !in_order)) {
    order.stage = Stage::Starting;
  }
  orders_.emplace(command, std::move(order));
  check(false);
}

void OrderedCommands::check(bool closing) {
  for (auto next = orders_.begin(); next != orders_.end();) {
    auto& [command, order] = *next;
    advance(command, order, closing);
    next = std::ranges::all_of(order.parts, &Part::done) ? orders_.erase(next) : std::next(next);
  }
}

bool OrderedCommands::has_to_wait(const Order& order, const Part& part) const {
  const std::string& pool = part.target.pool;
  return std::ranges::any_of(order.parts, [&](const Part& other) {
    if (other.done || &other == &part) return false;
    return order.stage == Stage::Stopping ? comes_after(other.target.pool, pool)
                                          : comes_after(pool, other.target.pool);
  });
}

bool OrderedCommands::comes_after(const std::string& pool, const std::string& other) const {
  return is_after(pools_.find(pool), other);
}

void OrderedCommands::advance(CommandId command, Order& order, bool closing) {
  for (bool moves = true; std::exchange(moves, false);) {
    for (Part& part : order.parts) {
      if (part.begun || has_to_wait(order, part)) continue;
      moves = true;
      carry_out(command, order, part, closing);
    }
    const bool under_way =
        std::ranges::any_of(order.parts, [](const Part& part) { return part.begun && !part.done; });
    if (moves || under_way) continue;
    // Versions of several files may wait for each other in a circle: no order leads on.
    for (Part& part : order.parts) {
      if (!part.begun) carry_out(command, order, part, closing);
    }
    if (order.kind != Kind::HardRestart || order.stage == Stage::Starting) return;
    order.stage = Stage::Starting;
    for (Part& part : order.parts) part.begun = part.done = false;
    moves = true;
  }
}

void OrderedCommands::carry_out(CommandId command, Order& order, Part& part, bool closing) {
  part.begun = true;
  const auto& [name, slots] = part.target;
  const CommandId mine = pending_.open(1, [this, command, pool_name = name](Verdicts verdicts) {
    on_verdicts(command, pool_name, std::move(verdicts));
  });
  PoolRunner* pool = pools_.find(name);
  const bool starts = order.stage == Stage::Starting;
  if (pool == nullptr || (starts && closing)) {
    const char* why = pool == nullptr ? "it was removed" : "the master is shutting down";
    pending_.settle(mine, {{.name = name, .ok = false, .code = "aborted", .text = why}});
    return;
  }
  if (!starts) return pool->stop(mine, slots);
  // What it is after was tried, and may not have come up.
  const bool in_order = std::ranges::any_of(
      order.parts, [&](const Part& other) { return comes_after(name, other.target.pool); });
  if (in_order && slots.empty() && !pool->is_up() && !reason_to_wait(*pool, pools_).empty()) {
    return start_order_.start(*pool, mine);
  }
  if (order.kind == Kind::HardRestart) return pool->hard_restart(mine, slots);
  pool->start(mine, slots);
}

void OrderedCommands::on_verdicts(CommandId command, const std::string& pool, Verdicts verdicts) {
  const auto found = orders_.find(command);
  if (found == orders_.end()) return;
  Order& order = found->second;
  const auto part =
      std::ranges::find(order.parts, pool, [](const Part& each) { return each.target.pool; });
  part->done = true;
  if (order.kind == Kind::HardRestart && order.stage == Stage::Stopping) {
    std::erase_if(verdicts, [](const auto& verdict) { return verdict.code != "stopped"; });
    part->stopped = std::move(verdicts);
    return;
  }
  verdicts.insert(verdicts.begin(), part->stopped.begin(), part->stopped.end());
  pending_.settle(command, std::move(verdicts));
}

}  // namespace reeve::supervisor
