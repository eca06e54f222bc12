// One look at a worker, for the watchdog and for recycling; Process, which owns it, measures
// nothing.

#include "supervisor/process/measure.hpp"

#include <algorithm>

#include "ipc/recorder/reader.hpp"
#include "supervisor/system/proc_reader.hpp"

namespace reeve::supervisor {

Measured measure(const Process& process, TimePoint now, bool with_memory) {
  Measured found{.worker = process.identity().worker, .sign_of_life = process.watchdog_at()};
  if (const auto pulse = ipc::read_pulse(process.recorder_page(), now)) {
    found.native = true;
    found.requests = pulse->requests;
    // An empty optional is less than any time.
    found.sign_of_life = std::max(found.sign_of_life, pulse->heartbeat);
  } else if (process.is_native()) {
    // Its recorder has the layout of another version: nothing is known of it, so it is not hung.
    found.sign_of_life = now;
  }
  if (with_memory && process.pid()) found.memory_bytes = resident_bytes(*process.pid()).value_or(0);
  return found;
}

}  // namespace reeve::supervisor
