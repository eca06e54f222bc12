#pragma once
// The person at reevectl, in a hurry: random commands on random slots, often before the last one is
// done, sometimes on slots that do not exist.

#include <cstdint>

#include "supervisor/core/event.hpp"
#include "tests/sim/dice.hpp"

namespace reeve::sim {

/// A pool of no more than six workers, with every knob anywhere from sharp to slack.
[[nodiscard]] supervisor::PoolSpec random_spec(Dice& dice);

class Operator {
 public:
  explicit Operator(Dice dice) : dice_(dice) {}

  /// Some command, for a pool of this size.
  [[nodiscard]] supervisor::Event some_command(int slots);
  [[nodiscard]] supervisor::Event start_all();
  [[nodiscard]] supervisor::Event stop_all();
  [[nodiscard]] supervisor::Event roll_all(const supervisor::PoolSpec& spec);

 private:
  [[nodiscard]] supervisor::CommandId next_command() { return supervisor::CommandId{++commands_}; }
  [[nodiscard]] supervisor::SlotSet some_slots(int slots);

  Dice dice_;
  std::uint64_t commands_ = 0;
};

}  // namespace reeve::sim
