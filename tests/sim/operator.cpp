#include "tests/sim/operator.hpp"

#include <algorithm>

namespace reeve::supervisor::sim {

using namespace std::chrono_literals;

namespace {

Recycling random_recycling(Dice& dice) {
  Recycling recycle;
  if (dice.percent(50)) recycle.requests = static_cast<std::uint64_t>(dice.between(100, 5000));
  if (dice.percent(50)) {
    recycle.memory_bytes = static_cast<std::uint64_t>(dice.between(16, 512)) << 20U;
  }
  if (dice.percent(50)) recycle.age = dice.between(5s, 60s);
  recycle.jitter = 0.1 * dice.between(0, 5);
  return recycle;
}

}  // namespace

PoolSpec random_spec(Dice& dice) {
  PoolSpec spec;
  spec.name = "web";
  spec.workers = dice.percent(5) ? 0 : dice.between(1, 6);
  spec.start_timeout = dice.between(500ms, 20s);
  spec.grace = dice.percent(10) ? Duration::zero() : dice.between(10ms, 30s);
  if (dice.percent(30))
    spec.ready_after = dice.percent(50) ? Duration::zero() : dice.between(1ms, 400ms);
  spec.restart = dice.percent(70)   ? RestartRule::Always
                 : dice.percent(70) ? RestartRule::OnFailure
                                    : RestartRule::Never;
  spec.backoff_first = dice.between(10ms, 500ms);
  spec.backoff_max = std::max(spec.backoff_first, dice.between(100ms, 10s));
  spec.give_up_failures = dice.between(1, 6);
  spec.give_up_within = dice.between(1s, 60s);
  if (dice.percent(25)) spec.max_unavailable = dice.between(1, 3);
  spec.surge = dice.between(spec.max_unavailable > 0 ? 0 : 1, 3);
  if (dice.percent(40)) spec.max_draining = dice.between(1, 4);
  if (dice.percent(40)) spec.soak = dice.between(1ms, 5s);
  if (dice.percent(25)) spec.on_failure = RollFailure::Pause;
  if (dice.percent(40)) spec.watchdog = dice.between(500ms, 20s);
  if (dice.percent(40)) spec.recycle = random_recycling(dice);
  return spec;
}

Event Operator::some_command(int slots) {
  const CommandId command = next_command();
  const int lot = dice_.between(0, 99);
  if (lot < 25) return StartRequested{command, some_slots(slots)};
  if (lot < 40) return StopRequested{command, some_slots(slots)};
  if (lot < 50) return HardRestartRequested{command, some_slots(slots)};
  if (lot < 65) return ScaleRequested{command, dice_.between(dice_.percent(10) ? -1 : 0, 6)};
  if (lot < 93) {
    RollRequested roll{command, dice_.percent(60) ? SlotSet{} : some_slots(slots), {}};
    if (dice_.percent(50)) roll.spec = random_spec(dice_);
    if (dice_.percent(25)) roll.canary = Canary{dice_.between(0, 3), dice_.between(0ms, 20s)};
    return roll;
  }
  return GraceEnded{};
}

Event Operator::start_all() { return StartRequested{next_command(), {}}; }
Event Operator::stop_all() { return StopRequested{next_command(), {}}; }

Event Operator::roll_all(const PoolSpec& spec) {
  RollRequested roll{next_command(), {}, spec, {}};
  if (dice_.percent(30)) roll.canary = Canary{dice_.between(1, 3), dice_.between(0ms, 20s)};
  return roll;
}

SlotSet Operator::some_slots(int slots) {
  SlotSet some;
  if (dice_.percent(50)) return some;
  const int last = slots - (dice_.percent(3) ? 0 : 1);  // Rarely one that does not exist.
  for (int index = 0; index <= last; ++index) {
    if (dice_.percent(40)) some.insert(index);
  }
  return some;
}

}  // namespace reeve::supervisor::sim
