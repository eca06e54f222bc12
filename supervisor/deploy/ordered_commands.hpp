#pragma once
// Commands for several pools at once follow `after`, as boot and shutdown do: a stop goes against
// the order, a start along it, and a hard restart stops all before it starts any. Only pools of the
// same command wait for each other: one that is named alone obeys at once. Loop thread.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "supervisor/control/names.hpp"
#include "supervisor/control/pending_commands.hpp"
#include "supervisor/deploy/start_order.hpp"
#include "supervisor/pool/pools.hpp"

namespace reeve::supervisor {

class OrderedCommands {
 public:
  enum class Kind : std::uint8_t { Start, Stop, HardRestart };

  OrderedCommands(Pools& pools, PendingCommands& pending, StartOrder& start_order)
      : pools_(pools), pending_(pending), start_order_(start_order) {}

  /// Each target answers one part of `command`.
  void begin(Kind kind, CommandId command, const std::vector<Target>& targets);
  /// To be called after changes: begins with those whose turn has come. `closing`: nothing starts
  /// any more.
  void check(bool closing);
  /// A command has not reached all of its pools yet, and cannot be handed over.
  [[nodiscard]] bool waiting() const { return !orders_.empty(); }

 private:
  enum class Stage : std::uint8_t { Stopping, Starting };
  struct Part {
    Target target;
    bool begun = false;
    bool done = false;
    Verdicts stopped;  ///< of a HardRestart: what stopped first
  };
  struct Order {
    Kind kind;
    Stage stage;
    std::vector<Part> parts;
  };

  /// Whether another part of the order has to be done before this one begins.
  [[nodiscard]] bool has_to_wait(const Order& order, const Part& part) const;
  [[nodiscard]] bool comes_after(const std::string& pool, const std::string& other) const;
  void advance(CommandId command, Order& order, bool closing);
  void carry_out(CommandId command, Order& order, Part& part, bool closing);
  void on_verdicts(CommandId command, const std::string& pool, Verdicts verdicts);

  Pools& pools_;
  PendingCommands& pending_;
  StartOrder& start_order_;
  std::map<CommandId, Order> orders_;
};

}  // namespace reeve::supervisor
