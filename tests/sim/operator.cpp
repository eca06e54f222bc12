#include "tests/sim/operator.hpp"

#include <algorithm>

namespace reeve::supervisor::sim {

using namespace std::chrono_literals;

namespace {

Recycling random_recycling(RandomChoice& random) {
  Recycling recycle;
  if (random.percent(50)) recycle.requests = static_cast<std::uint64_t>(random.between(100, 5000));
  if (random.percent(50)) {
    recycle.memory_bytes = static_cast<std::uint64_t>(random.between(16, 512)) << 20U;
  }
  if (random.percent(50)) recycle.age = random.between(5s, 60s);
  recycle.jitter = 0.1 * random.between(0, 5);
  return recycle;
}

}  // namespace

PoolSpec random_spec(RandomChoice& random) {
  PoolSpec spec;
  spec.name = "web";
  spec.workers = random.percent(5) ? 0 : random.between(1, 6);
  spec.start_timeout = random.between(500ms, 20s);
  spec.grace = random.percent(10) ? Duration::zero() : random.between(10ms, 30s);
  if (random.percent(30))
    spec.ready_after = random.percent(50) ? Duration::zero() : random.between(1ms, 400ms);
  spec.restart = random.percent(70)   ? RestartRule::Always
                 : random.percent(70) ? RestartRule::OnFailure
                                      : RestartRule::Never;
  spec.backoff_first = random.between(10ms, 500ms);
  spec.backoff_max = std::max(spec.backoff_first, random.between(100ms, 10s));
  if (random.percent(50)) spec.give_up_failures = random.between(1, 6);
  spec.give_up_within = random.between(1s, 60s);
  if (random.percent(25)) spec.max_unavailable = random.between(1, 3);
  spec.surge = random.between(spec.max_unavailable > 0 ? 0 : 1, 3);
  if (random.percent(40)) spec.max_draining = random.between(1, 4);
  if (random.percent(40)) spec.soak = random.between(1ms, 5s);
  if (random.percent(25)) spec.on_failure = RollFailure::Pause;
  if (random.percent(40)) spec.watchdog = random.between(500ms, 20s);
  if (random.percent(40)) spec.recycle = random_recycling(random);
  return spec;
}

Event Operator::some_command(int slots) {
  const CommandId command = next_command();
  const int lot = random_.between(0, 99);
  if (lot < 25) return StartRequested{command, some_slots(slots)};
  if (lot < 40) return StopRequested{command, some_slots(slots)};
  if (lot < 50) return HardRestartRequested{command, some_slots(slots)};
  if (lot < 65) return ScaleRequested{command, random_.between(random_.percent(10) ? -1 : 0, 6)};
  if (lot < 93) {
    RollRequested roll{command, random_.percent(60) ? SlotSet{} : some_slots(slots), {}};
    if (random_.percent(50)) roll.spec = random_spec(random_);
    if (random_.percent(25)) roll.canary = Canary{random_.between(0, 3), random_.between(0ms, 20s)};
    return roll;
  }
  return GraceEnded{};
}

Event Operator::start_all() { return StartRequested{next_command(), {}}; }
Event Operator::stop_all() { return StopRequested{next_command(), {}}; }

Event Operator::roll_all(const PoolSpec& spec) {
  RollRequested roll{next_command(), {}, spec, {}};
  if (random_.percent(30)) roll.canary = Canary{random_.between(1, 3), random_.between(0ms, 20s)};
  return roll;
}

SlotSet Operator::some_slots(int slots) {
  SlotSet some;
  if (random_.percent(50)) return some;
  const int last = slots - (random_.percent(3) ? 0 : 1);  // Rarely one that does not exist.
  for (int index = 0; index <= last; ++index) {
    if (random_.percent(40)) some.insert(index);
  }
  return some;
}

}  // namespace reeve::supervisor::sim
