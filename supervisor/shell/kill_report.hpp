#pragma once
// What the log says when a worker has to be killed: who, why, since when, and what it was doing.
// Pure.

#include <optional>
#include <string>
#include <vector>

#include "ipc/recorder.hpp"
#include "supervisor/core/action.hpp"

namespace reeve::supervisor {

struct KillFacts {
  std::string name;  ///< "web:0"
  int pid = 0;
  KillReason reason{};
  Duration waited{};  ///< since it was started (StartTimeout) or told to drain
  std::optional<ipc::RecorderReading> recorder;  ///< none: a foreign program
  std::string step;                              ///< of its lifespan, as it said last
  std::string status_text;
  std::string last_line;  ///< of its output
};

/// The first line says who and why, the following what is known of what it was doing.
[[nodiscard]] std::vector<std::string> kill_report(const KillFacts& facts);

}  // namespace reeve::supervisor
