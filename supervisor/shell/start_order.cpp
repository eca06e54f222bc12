#include "supervisor/shell/start_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace reeve::supervisor {
namespace {

/// Why it is not up, where only an operator can help.
std::string obstacle(const PoolRunner& pool) {
  for (const Slot& slot : pool.pool().slots()) {
    const std::string name = process_name(pool.name(), slot.index);
    switch (slot.state) {
      case SlotState::Fatal:
        return fmt::format("{} is FATAL: {}", name, slot.why);
      case SlotState::Exited:
        if (!pool.has_finished(slot)) return fmt::format("{} has failed: {}", name, slot.why);
        break;
      case SlotState::Stopped:
        if (pool.held_for().empty()) return fmt::format("{} is stopped", name);
        break;
      case SlotState::Starting:
      case SlotState::Running:
      case SlotState::Stopping:
      case SlotState::Backoff:
        break;
    }
  }
  return "";
}

}  // namespace

std::string reason_to_wait(const PoolRunner& pool, const Herd& herd) {
  std::string names;
  std::string obstacles;
  for (const std::string& name : pool.deployment().config.after) {
    const PoolRunner* other = herd.find(name);
    if (other == nullptr || other->is_up()) continue;
    names += (names.empty() ? "" : ", ") + name;
    if (const std::string why = obstacle(*other); !why.empty()) obstacles += "; " + why;
  }
  return names.empty() ? "" : fmt::format("waits for {}{}", names, obstacles);
}

void StartOrder::start(PoolRunner& pool, CommandId command) {
  std::string why = reason_to_wait(pool, herd_);
  if (why.empty()) {
    pool.start(command, {});
    return;
  }
  book_.settle(command, {{.name = pool.name(), .ok = true, .code = "waits", .text = why}});
  hold(pool, std::move(why));
}

void StartOrder::check() {
  std::vector<PoolRunner*> held;
  for (const auto& pool : herd_.pools()) {
    if (!pool->held_for().empty()) held.push_back(pool.get());
  }
  for (PoolRunner* pool : held) {
    std::string why = reason_to_wait(*pool, herd_);
    if (why.empty()) {
      log_.info("{}: what it waited for is up", pool->name());
      pool->start(book_.open(1, [](const Verdicts&) {}), {});
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
