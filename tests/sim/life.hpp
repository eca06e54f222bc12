#pragma once
// One random life of a pool, from a seed: chaos, then a world that has turned good in which
// everything must come right, then a stop that must end.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "ipc/base/clock.hpp"
#include "tests/sim/trace.hpp"

namespace reeve::supervisor::sim {

struct Verdict {
  std::optional<std::string> broken;  ///< the invariant; none: a good life
  int steps = 0;
  ipc::Duration lived{};
  std::uint64_t hash = 0;
  std::deque<std::string> tail;  ///< the last lines of the trace
};

/// Lives the life of this seed. Without a trace, hash and tail say nothing.
[[nodiscard]] Verdict live(std::uint64_t seed, Telling telling);

}  // namespace reeve::supervisor::sim
