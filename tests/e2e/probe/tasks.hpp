#pragma once
// The routes of a probe that use what tasks are made of, all at once and from many threads: for
// tests under load. Each takes about ?ms=, answers 200, and leaves nothing behind.
//
//   /offload   a function on the thread pool, awaited
//   /patience  a wait that a timeout cancels, after a shorter one that it does not
//   /fan       sums what a thread, a timer and two tasks send each other through a channel; a
//              background task of the same kind follows the response

#include <reeve/reeve.hpp>

namespace reeve::probe {

void add_task_routes(App& app);

}  // namespace reeve::probe
