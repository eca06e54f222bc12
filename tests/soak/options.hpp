#pragma once
// The command line of a soak.

#include <cstdint>
#include <expected>

#include "tests/soak/clients.hpp"

namespace reeve::soak {

struct Options {
  enum class Scenario : std::uint8_t { Deploys, Hups, Upgrades, Kills, Recycles, Schedule };

  Scenario scenario{};
  int times = 0;               ///< rolls, HUPs of the loop, upgrades, kills or recycled workers
  std::uint64_t requests = 0;  ///< to be made at least
  int seconds = 0;             ///< to be taken at least
  int max_draining = 24;       ///< old workers that may drain beside the serving ones
  std::uint64_t seed = 0;
  Mix mix;
};

/// The options that were asked for; or the exit code, after help or an error was printed.
[[nodiscard]] std::expected<Options, int> parse(int argc, char** argv);

}  // namespace reeve::soak
