#pragma once
// What is known of a worker that has to be killed: why, since when, and what it was doing. Pure.

#include <optional>
#include <string>
#include <vector>

#include "ipc/recorder/reader.hpp"
#include "supervisor/core/action.hpp"

namespace reeve::supervisor {

struct KillFacts {
  int pid = 0;
  KillReason reason{};
  Duration waited{};  ///< since it was started (StartTimeout), told to drain, or last gave a sign
  std::optional<ipc::RecorderReading> recorder;  ///< none: a foreign program
  std::string step;                              ///< of its lifespan, as it said last
  std::string status_text;
  std::string last_line;           ///< of its output
  std::vector<std::string> found;  ///< by looking at it
};

/// The first line says who and why, the following what is known of what it was doing.
[[nodiscard]] std::vector<std::string> kill_report(const KillFacts& facts);

}  // namespace reeve::supervisor
