#pragma once
// The lines of /proc/self/mountinfo (proc_pid_mountinfo(5)). Pure.

#include <optional>
#include <string>
#include <string_view>

namespace reeve::ipc {

/// A line of it.
struct Mount {
  std::string root;   ///< the part of the file system that is mounted
  std::string point;  ///< the directory where it is
  std::string type;   ///< "cgroup2"
  std::string options;
};
[[nodiscard]] std::optional<Mount> parse_mount(std::string_view line);

}  // namespace reeve::ipc
