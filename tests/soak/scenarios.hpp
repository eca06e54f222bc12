#pragma once
// The things that are done to a pool while clients use it. Each runs to its end and returns the
// exit code: 0 when nothing was lost that had to be answered, and everything is as it was told to
// be.

#include "tests/soak/options.hpp"

namespace reeve::soak {

/// The workers of the pool, at the start and at the end.
inline constexpr int kWorkers = 2;

[[nodiscard]] int run_deploys(const Options& options);
[[nodiscard]] int run_hups(const Options& options);
[[nodiscard]] int run_upgrades(const Options& options);
[[nodiscard]] int run_kills(const Options& options);
[[nodiscard]] int run_recycles(const Options& options);
[[nodiscard]] int run_schedule(const Options& options);

}  // namespace reeve::soak
