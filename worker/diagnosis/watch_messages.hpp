#pragma once
// The messages of the watch, for someone who is woken by them: what is blocked, by whom, since
// when, and what to do. Pure.

#include <optional>
#include <string>
#include <vector>

#include "worker/diagnosis/exhaustion.hpp"
#include "worker/diagnosis/repeats.hpp"
#include "worker/diagnosis/starvation.hpp"
#include "worker/diagnosis/thread_times.hpp"

namespace reeve::worker {

/// How the loop's thread has spent a time, of which the kernel has told `spent`.
[[nodiscard]] std::string how_it_blocks(const std::optional<ThreadTimes>& spent,
                                        ipc::Duration between);

/// "GET /report blocks the event loop, for 0.3 s now: ...", and the stack a line each. Of a stack
/// what is below the task is left out, and what has no room.
[[nodiscard]] std::vector<std::string> starvation_began(const Starvation::Finding& finding,
                                                        const Repeats::Untold& untold,
                                                        const std::string& how,
                                                        const std::vector<std::string>& stack);
[[nodiscard]] std::string starvation_lasts(const Starvation::Finding& finding,
                                           const std::string& how);
[[nodiscard]] std::string starvation_ended(const Starvation::Finding& finding);

/// `loop_is_healthy`: no starvation lasts at the same time.
[[nodiscard]] std::string exhaustion_began(const Exhaustion::Finding& finding, const PoolLook& look,
                                           bool loop_is_healthy);
[[nodiscard]] std::string exhaustion_lasts(const Exhaustion::Finding& finding,
                                           const PoolLook& look);
[[nodiscard]] std::string exhaustion_ended(const Exhaustion::Finding& finding);

}  // namespace reeve::worker
