#pragma once
// The reports of a pool's deaths: the last one of each slot, in a bounded amount of memory.

#include <cstddef>
#include <deque>
#include <map>

#include "supervisor/postmortem/death_report.hpp"

namespace reeve::supervisor {

class DeathReports {
 public:
  /// So many keep their details; of earlier ones the summary stays.
  static constexpr std::size_t kDetailed = 10;
  static constexpr std::size_t kSlots = 512;
  static constexpr std::size_t kMostDetails = 600;  ///< lines

  void keep(int slot, DeathReport report);
  /// nullptr: nobody has died in it.
  [[nodiscard]] const DeathReport* last(int slot) const;
  /// Those with a report; the last death is last.
  [[nodiscard]] const std::deque<int>& slots() const { return newest_; }

 private:
  std::map<int, DeathReport> reports_;
  std::deque<int> newest_;  // Each slot once; the newest is last.
};

}  // namespace reeve::supervisor
