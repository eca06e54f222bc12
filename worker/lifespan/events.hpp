#pragma once
// What a lifespan reports while it opens and closes: past facts, for the log, the master, the
// recorder and the health page. Pure.

#include <cstddef>
#include <string>
#include <variant>

#include "ipc/base/clock.hpp"
#include "reeve/lifespan.hpp"

namespace reeve::worker {

struct PhaseBegan {
  Phase phase;
};
struct PhaseEnded {
  Phase phase;
  std::string detail;  ///< "3 open", "127.0.0.1:8000"; empty when there was nothing to do
  ipc::Duration took;
};
struct Opening {
  const Resource& resource;
};
struct Opened {
  const Resource& resource;
  ipc::Duration took;
};
struct OpenFailed {
  const Resource& resource;
  std::string reason;
};
struct Closing {
  const Resource& resource;
};
struct Closed {
  const Resource& resource;
  ipc::Duration took;
};
struct CloseFailed {
  const Resource& resource;
  std::string reason;
};

using LifespanEvent =
    std::variant<PhaseBegan, PhaseEnded, Opening, Opened, OpenFailed, Closing, Closed, CloseFailed>;

/// "[2/5] connections"
[[nodiscard]] std::string step_name(Phase phase);

/// One line for a log: "database: open after 12 ms".
[[nodiscard]] std::string describe(const LifespanEvent& event);

}  // namespace reeve::worker
