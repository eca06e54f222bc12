#pragma once
// What a probe has scheduled, both due every PROBE_SCHEDULE_MS; none without it. Each run of them
// appends a line "DUE FENCE PID" (see harness/ticks.hpp) in one write to a file in
// PROBE_SCHEDULE_DIR.
//
//   tick   scope one, a coroutine; to the file "ticks". What was missed is made up for, run by run
//   beat   scope each, on the thread pool; to the file "beats"
//
//   PROBE_SCHEDULE_TAKE_MS=300   so long a tick takes, before it writes; it suspends

#include <reeve/reeve.hpp>

namespace reeve::probe {

/// Reads the environment. Before the app runs.
void add_schedule(App& app);

}  // namespace reeve::probe
