#pragma once
// The person at reevectl, in a hurry: random commands on random slots, often before the last one is
// done, sometimes on slots that do not exist.

#include <cstdint>

#include "supervisor/core/event.hpp"
#include "tests/sim/random_choice.hpp"

namespace reeve::supervisor::sim {

/// A pool of no more than six workers, with every knob anywhere from sharp to slack.
[[nodiscard]] PoolSpec random_spec(RandomChoice& random);

class Operator {
 public:
  explicit Operator(RandomChoice random) : random_(random) {}

  /// Some command, for a pool of this size.
  [[nodiscard]] Event some_command(int slots);
  [[nodiscard]] Event start_all();
  [[nodiscard]] Event stop_all();
  [[nodiscard]] Event roll_all(const PoolSpec& spec);

 private:
  [[nodiscard]] CommandId next_command() { return CommandId{++commands_}; }
  [[nodiscard]] SlotSet some_slots(int slots);

  RandomChoice random_;
  std::uint64_t commands_ = 0;
};

}  // namespace reeve::supervisor::sim
