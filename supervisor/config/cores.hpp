#pragma once
// How many cores this process may use, by its affinity and by files of the kernel, read at the
// start and at a reload.

#include <optional>
#include <string>

namespace reeve::supervisor {

/// What `"cores"` means: the cores of the affinity mask, or fewer where a quota (cpu.max, or CFS
/// in cgroup v1) of the own cgroup or of one above it allows less. At least 1.
[[nodiscard]] int available_cores();

/// The quota alone; a part of a core counts as one. None: there is no quota. `root` is where /proc
/// and the cgroups are found.
[[nodiscard]] std::optional<int> cores_of_quota(const std::string& root = "");

}  // namespace reeve::supervisor
