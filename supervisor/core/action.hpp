#pragma once
// Everything a pool can order. The caller carries actions out in the order given, and reports a
// failed Fork as an event; it never refuses one.

#include <string>
#include <variant>
#include <vector>

#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

struct Fork {
  WorkerId worker;
  int slot;
  Generation generation;
};
/// An order to drain: TERM, and the kind of drain over the channel. May come a second time, to turn
/// patient into prompt.
struct Drain {
  WorkerId worker;
  DrainKind kind;
};
/// An order to read its configuration anew and to go on serving. Followed by Ready, as a start is.
struct TellToReload {
  WorkerId worker;
};
/// SIGKILL to the worker's whole group.
struct Kill {
  WorkerId worker;
  KillReason reason;
};

/// The canaries of a roll are all ready and serve beside their predecessors until `until`: the
/// moment to take the first figures.
struct Watch {
  CommandId command;
  std::vector<WorkerId> canaries;
  TimePoint until;
};
/// The time of watching is over; to be answered by Judged.
struct Judge {
  CommandId command;
};

/// A slot changed its state: for the log. From RUNNING to RUNNING when its worker was recycled.
struct Changed {
  int slot;
  SlotState from;
  SlotState to;
  std::string why;
};

/// A roll has replaced the worker of a slot, or started one in it: its successor serves, unless its
/// work is done already.
struct Replaced {
  CommandId command;
  int slot;
};

/// The outcome of a command for one slot. Control replies name each by a stable word for scripts.
enum class Outcome : std::uint8_t {
  Started,
  Finished,  ///< its work is done, and it is not to be started again
  AlreadyStarted,
  Stopped,
  NotRunning,
  SpawnError,
  NoSuchProcess,
  Restarted,
  Rolled,
  Reloaded,
  Aborted,
  Busy,
  Scaled,
};

struct SlotVerdict {
  std::optional<int> slot;  ///< none: about the pool as a whole
  Outcome outcome;
  std::string text;                 ///< why, for a person; may be empty
  std::optional<WorkerId> culprit;  ///< whose last lines explain it
};

/// The verdict on a command.
struct Finished {
  CommandId command;
  std::vector<SlotVerdict> verdicts;
};

using Action =
    std::variant<Fork, Drain, TellToReload, Kill, Changed, Replaced, Finished, Watch, Judge>;
using Actions = std::vector<Action>;

}  // namespace reeve::supervisor
