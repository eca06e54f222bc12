#pragma once
// Whether the kernel has just killed for lack of memory, so that a worker's SIGKILL can be
// explained: by a counter of the worker's own cgroup (WorkerCgroup), else of the master's (v2, else
// v1), else of the machine. The counters only ever grow, so an old kill must not explain a new
// death. Loop thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::supervisor {

class OutOfMemoryWatch {
 public:
  /// Counts from now on, in `file`, which has a line "oom_kill NUMBER"; empty: in none.
  explicit OutOfMemoryWatch(std::string file);

  /// Whether a kill was counted that settle() has not put aside. A process that died of it is
  /// reaped after it was counted, so this is asked after the reaping. None: the file does not say.
  [[nodiscard]] std::optional<bool> has_killed();
  /// The kills that has_killed() has seen explain no later death: one batch of dead children was
  /// told of.
  void settle();
  /// To be called now and then. Kills that were counted before the last call are put aside: their
  /// victims were reaped long ago, or were no workers.
  void age();

 private:
  [[nodiscard]] std::optional<std::uint64_t> count() const;

  std::string file_;
  std::uint64_t seen_;  // By has_killed().
  std::uint64_t settled_;
  std::uint64_t at_last_age_;
};

/// The counter that is nearest to this process: memory.events of `own_cgroup` (v2; may be empty),
/// memory.oom_control of its v1 cgroup, /proc/vmstat.
[[nodiscard]] std::string find_oom_counter(const std::string& own_cgroup);

/// The directory of this process's cgroup in the v1 memory hierarchy, from the texts of
/// /proc/self/mountinfo and /proc/self/cgroup; empty: there is none. Pure.
[[nodiscard]] std::string memory_v1_directory(std::string_view mountinfo, std::string_view cgroup);

}  // namespace reeve::supervisor
