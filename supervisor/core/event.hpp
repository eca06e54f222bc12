#pragma once
// Everything a pool can be told. Past facts about workers, and requests of the operator.
// Late and duplicate events are ordinary: one about a worker that is gone changes nothing.

#include <set>
#include <string>
#include <variant>

#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

// Facts about one worker.
struct ForkFailed {
  WorkerId worker;
  std::string why;
  bool shortage = false;  ///< of the machine, and may pass; else the configuration is to blame
};
struct Started {  ///< exec has succeeded
  WorkerId worker;
};
struct Ready {
  WorkerId worker;
};
struct Leaving {  ///< said STOPPING=1 by itself
  WorkerId worker;
};
struct Extended {  ///< asked for more time: EXTEND_TIMEOUT_USEC
  WorkerId worker;
  Duration by;
};
/// The process itself has ended, and something that it has started lives: that was told to stop,
/// unless the worker is being killed.
struct LeaderEnded {
  WorkerId worker;
  Death death;
};
struct Exited {  ///< nothing of it is left
  WorkerId worker;
  Death death;  ///< of its leader; not looked at after LeaderEnded
};
/// The figures of one worker, measured when Pool::next_measurement() asks. Comes before the Tick.
struct Measured {
  WorkerId worker;
  std::optional<TimePoint> sign_of_life;  ///< the newest heartbeat; none: it never gave one
  std::uint64_t requests = 0;             ///< answered so far
  std::uint64_t memory_bytes = 0;         ///< 0: not known
  /// A native worker gives signs of life in a drain, too. A foreign one may well fall silent once
  /// it was told to stop: then only the grace ends its drain.
  bool native = false;
};

/// It gave an answer from outside (a probe) that says so.
struct Hung {
  WorkerId worker;
  std::string why;
};

/// Slot indexes; empty means every slot of the pool.
using SlotSet = std::set<int>;

// Requests. Each is answered by exactly one Finished with its command.
struct StartRequested {
  CommandId command;
  SlotSet slots;
};
struct StopRequested {
  CommandId command;
  SlotSet slots;
};
/// A roll with a canary replaces `workers` slots first, keeps the new ones beside the old for
/// `watch`, asks for a judgement (Watch, Judge, Judged), and then goes on with the others or back.
struct Canary {
  int workers = 1;
  Duration watch{};
};
/// Make-before-break. With a spec: deploys it; the pool adopts it when the roll succeeds. Without
/// one, in a pool that reloads, workers that serve are not replaced.
struct RollRequested {
  CommandId command;
  SlotSet slots;
  std::optional<PoolSpec> spec;
  std::optional<Canary> canary = {};
};
/// The answer to Judge, within kJudgement. A bad one may come at any time while the canaries are
/// watched; a good one before Judge changes nothing.
struct Judged {
  CommandId command;
  bool good = false;
  std::string text;  ///< the figures that decided
};
/// Stop first, then start.
struct HardRestartRequested {
  CommandId command;
  SlotSet slots;
};
struct ScaleRequested {
  CommandId command;
  int workers;
};

/// The rules of the pool are others now, its program is the same; the number of workers stays. Who
/// runs goes by them as far as it can: a foreign worker was told at its start how often to give a
/// sign of life, a `native` one how long its drain may take, and nobody is held to less.
struct Reconfigured {
  PoolSpec spec;
  std::set<WorkerId> native;
};

/// The operator ends every grace that is running, now (a second TERM, QUIT).
struct GraceEnded {};

/// The timer that next_deadline() asked for.
struct Tick {};

using Event = std::variant<ForkFailed, Started, Ready, Leaving, Extended, LeaderEnded, Exited,
                           StartRequested, StopRequested, RollRequested, HardRestartRequested,
                           ScaleRequested, GraceEnded, Tick, Measured, Judged, Hung, Reconfigured>;

}  // namespace reeve::supervisor
