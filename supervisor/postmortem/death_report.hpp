#pragma once
// What is told of a death: by `reevectl why` in full, in the log the part that is not there
// already. Pure.

#include <string>
#include <vector>

#include "ipc/recorder/black_box.hpp"
#include "ipc/recorder/reader.hpp"
#include "supervisor/core/pool.hpp"

namespace reeve::supervisor {

struct DeathFacts {
  std::string name;  ///< "web:0"
  std::string when;  ///< for a person: date and time of day
  int pid = 0;
  Generation generation{};
  WorkerPhase phase{};  ///< before it was killed
  Duration lived{};
  std::string cause;
  std::optional<ipc::RecorderReading> recorder;  ///< none: a foreign program
  ipc::BlackBoxReading box;
  bool line_lost = false;          ///< it had closed its channel to the master
  std::vector<std::string> kill;   ///< what was found before it was killed; empty: not by us
  std::vector<std::string> steps;  ///< the last ones of its lifespan
  std::string reason;              ///< that it gave itself
  std::string status_text;
  std::vector<std::string> output;  ///< its last lines
};

struct DeathReport {
  std::vector<std::string> summary;  ///< who, when, why: a few lines
  std::vector<std::string> details;

  bool operator==(const DeathReport&) const = default;
};

[[nodiscard]] DeathReport death_report(const DeathFacts& facts);

/// What the log shall have beside the line that names the cause: the stack of a crash, the requests
/// that were lost. Empty when there is nothing of the kind.
[[nodiscard]] std::vector<std::string> log_of_death(const DeathFacts& facts);

}  // namespace reeve::supervisor
