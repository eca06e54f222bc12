#include "supervisor/deploy/start_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace reeve::supervisor {
namespace {

/// A one-shot does its work and ends: the pools after it want the work done. A program that is not
/// restarted in every case, and yet serves, is one that says itself when it is ready.
bool is_one_shot(const PoolConfig& config) {
  return config.spec.restart != RestartRule::Always &&
         std::holds_alternative<ReadyAfter>(config.ready);
}

bool is_done_or_up(const PoolRunner& pool) {
  if (!is_one_shot(pool.deployment().config)) return pool.is_up();
  return std::ranges::all_of(pool.pool().slots(), [](const Slot& slot) { return slot.finished; });
}

/// Why it is not up, where only an operator can help.
std::string obstacle(const PoolRunner& pool) {
  for (const Slot& slot : pool.pool().slots()) {
    const std::string name = pool.pool().name_of(slot.index);
    if (slot.state == SlotState::Fatal) return fmt::format("{} is FATAL: {}", name, slot.why);
    if (slot.state == SlotState::Exited && !slot.finished) {
      return fmt::format("{} has failed: {}", name, slot.why);
    }
    if (slot.state == SlotState::Stopped && pool.held_for().empty()) {
      return fmt::format("{} is stopped", name);
    }
  }
  return "";
}

}  // namespace

std::string reason_to_wait(const PoolRunner& pool, const Pools& pools) {
  std::string names;
  std::string obstacles;
  for (const std::string& name : pool.deployment().config.after) {
    const PoolRunner* other = pools.find(name);
    if (other == nullptr || is_done_or_up(*other)) continue;
    names += (names.empty() ? "" : ", ") + name;
    if (is_one_shot(other->deployment().config)) names += " to end";
    if (const std::string why = obstacle(*other); !why.empty()) obstacles += "; " + why;
  }
  return names.empty() ? "" : fmt::format("waits for {}{}", names, obstacles);
}

void StartOrder::start(PoolRunner& pool, CommandId command) {
  if (!pool.deployment().config.autostart) {
    pending_.settle(command,
                    {success(pool.name(), "waits",
                             fmt::format("autostart = false: reevectl start {}:*", pool.name()))});
    return;
  }
  std::string why = reason_to_wait(pool, pools_);
  if (why.empty()) return pool.start(command, {});
  pending_.settle(command, {success(pool.name(), "waits", why)});
  hold(pool, std::move(why));
}

void StartOrder::check() {
  std::vector<PoolRunner*> held;
  for (const auto& pool : pools_.all()) {
    if (!pool->held_for().empty()) held.push_back(pool.get());
  }
  for (PoolRunner* pool : held) {
    std::string why = reason_to_wait(*pool, pools_);
    if (why.empty()) {
      log_.info("{}: what it waited for is up", pool->name());
      pool->start(pools_.unattended_command(), {});
    } else if (why != pool->held_for()) {
      hold(*pool, std::move(why));
    }
  }
}

void StartOrder::hold(PoolRunner& pool, std::string why) {
  log_.write(why.contains(';') ? LogLevel::Warn : LogLevel::Info,
             fmt::format("{}: {}", pool.name(), why));
  pool.hold(std::move(why));
}

}  // namespace reeve::supervisor
