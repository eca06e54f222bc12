#pragma once
// The reports of a lifespan while it opens and closes: past facts, for the log, the master, the
// recorder and the health page. Pure.

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

#include "ipc/base/clock.hpp"
#include "ipc/worker_report.hpp"
#include "reeve/lifespan.hpp"

namespace reeve::worker {

/// A resource as it is shown everywhere.
struct About {
  std::string name;  ///< "database/pool", where it is nested in "database"
  Phase phase = Phase::Connections;
  Need need = Need::Required;  ///< Optional, too, where what it is nested in is
  Kind kind = Kind::Other;
  std::string note;  ///< What its open function says of it: Scope::note().
};

struct PhaseBegan {
  Phase phase;
};
struct PhaseEnded {
  Phase phase;
  std::string detail;  ///< "3 open", "127.0.0.1:8000"; empty when there was nothing to do
  ipc::Duration took;
};
struct Opening {
  const About& about;
  std::size_t attempt;  ///< 1, 2, 3 ... since it was last open
};
/// An opening, or a closing, that takes long.
struct TakesLong {
  const About& about;
  bool closing;
  ipc::Duration lasted;
  ipc::Duration limit;
};
struct Opened {
  const About& about;
  ipc::Duration took;
  std::size_t attempt;
  ipc::Duration down;  ///< since the first attempt failed; zero when it did not
};
struct OpenFailed {
  const About& about;
  std::string reason;
  std::size_t attempt;
  ipc::Duration down;
  ipc::Duration retry_in;  ///< zero: it is not tried again
  bool cancelled;          ///< by a stop, or by whoever waited for it
};
/// The note of a resource has changed: Scope::note().
struct Noted {
  const About& about;
};
/// What a check says has changed. `about` is that of the resource of the same name, if any.
struct Checked {
  const About& about;
  bool passed;
  std::string reason;
  ipc::Duration latency;
  bool of_resource;
};
struct Closing {
  const About& about;
};
struct Closed {
  const About& about;
  ipc::Duration took;
};
struct CloseFailed {
  const About& about;
  std::string reason;
  ipc::Duration took;
};

using LifespanEvent = std::variant<PhaseBegan, PhaseEnded, Opening, TakesLong, Opened, OpenFailed,
                                   Noted, Checked, Closing, Closed, CloseFailed>;

/// "[2/5] connections"
[[nodiscard]] std::string step_name(Phase phase);

/// The report for the master; nothing where an event changes nothing that is shown of a resource.
[[nodiscard]] std::optional<ipc::ResourceReport> report_of(const LifespanEvent& event);

/// One line for a log: "opened database (12 ms)".
[[nodiscard]] std::string describe(const LifespanEvent& event);

}  // namespace reeve::worker
