#pragma once
// Whether the kernel has just killed for lack of memory, so that a worker's SIGKILL can be
// explained: a counter of the master's own cgroup (v2, else v1), else the machine's. A worker with
// a memory limit of its own has a better witness (WorkerCgroup). Loop thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace reeve::supervisor {

class OutOfMemoryWatch {
 public:
  /// Looks at `file`, which has a line "oom_kill NUMBER"; empty: at none.
  explicit OutOfMemoryWatch(std::string file);

  /// A batch of dead children is about to be told of, and its verdict is its own.
  void begin_batch() { has_killed_ = false; }
  /// Before each of them is: whoever dies of it does so after it was counted.
  void look();
  /// It has killed someone between the last look at the batch before and the last one at this.
  [[nodiscard]] bool has_killed() const { return has_killed_; }

 private:
  [[nodiscard]] std::uint64_t count() const;

  std::string file_;
  std::uint64_t seen_ = 0;
  bool has_killed_ = false;
};

/// The counter that is nearest to this process: memory.events of `own_cgroup` (v2; may be empty),
/// memory.oom_control of its v1 cgroup, /proc/vmstat.
[[nodiscard]] std::string find_oom_counter(const std::string& own_cgroup);

/// Of the v1 memory hierarchy; empty: there is none. Pure.
[[nodiscard]] std::string memory_v1_directory(std::string_view mountinfo, std::string_view cgroup);

}  // namespace reeve::supervisor
