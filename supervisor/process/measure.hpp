#pragma once
// What the core is told of a worker when Pool::next_measurement() is due: its sign of life and what
// it has used. Reads shared memory and /proc, and never waits. Loop thread.

#include "supervisor/core/event.hpp"
#include "supervisor/process/process.hpp"

namespace reeve::supervisor {

/// The memory costs a look into /proc, and is 0 when it is not asked for.
[[nodiscard]] Measured measure(const Process& process, TimePoint now, bool with_memory);

}  // namespace reeve::supervisor
