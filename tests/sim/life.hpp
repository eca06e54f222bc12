#pragma once
// One random life of a pool, from a seed: chaos, then a world that has turned good in which
// everything must come right, then a stop that must end.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "ipc/base/clock.hpp"

namespace reeve::supervisor::sim {

struct Verdict {
  std::optional<std::string> broken;  ///< the invariant; none: a good life
  int steps = 0;
  ipc::Duration lived{};
  std::uint64_t hash = 0;
  std::deque<std::string> tail;  ///< of the trace
};

/// Lives the life of this seed; `aloud` prints it.
[[nodiscard]] Verdict live(std::uint64_t seed, bool aloud);

}  // namespace reeve::supervisor::sim
