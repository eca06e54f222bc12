#pragma once
// Checks a scheduled job of scope `one`, whose runs are written down
// (tests/e2e/probe/schedule.hpp): no tick was done twice, fences never go back, and none is missing
// but those that the master had granted to a worker which was killed before it did them. Reads
// files only.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace reeve::e2e {

struct TickRun {
  std::int64_t due_ms = 0;
  std::uint64_t fence = 0;
  int pid = 0;
};

/// What is there so far; a line that is not whole yet is left out.
[[nodiscard]] std::vector<TickRun> read_runs(const std::filesystem::path& file);

/// The pid to which each run was granted, by the milliseconds at which the run was due.
[[nodiscard]] std::map<std::int64_t, int> grants_in(const std::string& master_log);

struct TickVerdict {
  std::vector<std::string> faults;  ///< what does not hold, for a person
  std::size_t runs = 0;
  std::size_t holders = 0;  ///< fences
  std::size_t excused = 0;  ///< ticks that died with the worker that had claimed them
};

/// `master_log` has the master's lines of level debug. `killed` are the pids that were sent KILL.
[[nodiscard]] TickVerdict judge_ticks(const std::vector<TickRun>& runs,
                                      std::chrono::milliseconds period,
                                      const std::string& master_log, const std::set<int>& killed);

}  // namespace reeve::e2e
