#pragma once
// The report on a death: in full for `reevectl why`, and for the log the part that is not there
// already; and the last death of each slot of a pool, in a bounded amount of memory. Pure.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ipc/control/protocol.hpp"
#include "ipc/recorder/black_box.hpp"
#include "ipc/recorder/reader.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/postmortem/findings.hpp"

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
  Findings kill;                   ///< what was found before it was killed; empty: not by us
  std::vector<std::string> steps;  ///< the last ones of its lifespan
  std::string reason;              ///< that it gave itself
  std::string status_text;
  std::vector<std::string> output;  ///< its last lines
};

struct DeathReport {
  std::vector<std::string> summary;  ///< who, when, why: a few lines
  std::vector<std::string> main;     ///< the requests, and the one stack that matters
  std::vector<std::string> details;  ///< the rest

  bool operator==(const DeathReport&) const = default;
};

[[nodiscard]] DeathReport death_report(const DeathFacts& facts);

/// What the log shall have beside the line that names the cause: the stack of a crash, the requests
/// that were lost. Empty when there is nothing of the kind.
[[nodiscard]] std::vector<std::string> log_of_death(const DeathFacts& facts);

/// The last death of each slot.
class DeathReports {
 public:
  /// So many keep their details; of earlier ones the summary stays.
  static constexpr std::size_t kDetailed = 10;
  static constexpr std::size_t kSlots = 512;
  static constexpr std::size_t kMostDetails = 600;  ///< lines

  void keep(int slot, DeathReport report);
  /// nullptr: nobody has died in it.
  [[nodiscard]] const DeathReport* last(int slot) const;
  /// The slots with a report; the last death is last.
  [[nodiscard]] const std::deque<int>& slots() const { return newest_; }

 private:
  std::map<int, DeathReport> reports_;
  std::deque<int> newest_;  // Each slot once; the newest is last.
};

/// The answer of `reevectl why` about the slot with this line of status. `troubles` are what its
/// worker's recorder says that it suffers, or has suffered, from. `death` may be nullptr.
enum class Depth : std::uint8_t { Summary, Main, Full };
[[nodiscard]] std::string why(const ipc::control::Process& slot,
                              const std::vector<std::string>& troubles, const DeathReport* death,
                              Depth depth);

}  // namespace reeve::supervisor
