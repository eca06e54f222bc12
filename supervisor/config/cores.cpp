#include "supervisor/config/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdint>

#include "ipc/base/mount.hpp"
#include "ipc/base/text.hpp"
#include "supervisor/config/text_file.hpp"

namespace reeve::supervisor {
namespace {

using ipc::next_line;
using ipc::next_word;

/// Whether `name` is one of "cpu,cpuacct".
bool has_item(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == name) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

/// Whether this is the v2 hierarchy (for no controller), or that of v1 which has the controller.
bool is_hierarchy_of(const ipc::Mount& mount, std::string_view controller) {
  if (controller.empty()) return mount.type == "cgroup2";
  return mount.type == "cgroup" && has_item(mount.options, controller);
}

std::string joined(const std::string& directory, std::string_view below) {
  if (below.empty() || below == "/") return directory;
  return directory + (below.starts_with('/') ? "" : "/") + std::string(below);
}

/// "4:cpu,cpuacct:/docker/abc", or "0::/docker/abc" of v2, which has no name.
std::optional<std::string> path_of(std::string_view cgroup, std::string_view controller) {
  while (const auto line = next_line(cgroup)) {
    const std::size_t names = line->find(':') + 1;
    const std::size_t end = line->find(':', names);
    if (names == 0 || end == std::string_view::npos) continue;
    const std::string_view list = line->substr(names, end - names);
    const bool is_it = controller.empty() ? line->starts_with("0::/") : has_item(list, controller);
    if (is_it) return std::string(line->substr(end + 1));
  }
  return std::nullopt;
}

/// The text of a kernel's file; empty when there is none.
std::string text_of(const std::string& file) { return config::read_text_file(file).value_or(""); }

/// Cores, by one cgroup's files. v2: "150000 100000", or "max 100000". v1: a quota of -1 is none.
std::optional<int> quota_in(const std::string& directory, bool v2) {
  std::string text = v2 ? text_of(directory + "/cpu.max")
                        : text_of(directory + "/cpu.cfs_quota_us") + " " +
                              text_of(directory + "/cpu.cfs_period_us");
  std::string_view rest = text;
  const auto quota = ipc::parse_number<std::int64_t>(next_word(rest).value_or(""));
  const auto period = ipc::parse_number<std::int64_t>(next_word(rest).value_or(""));
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  const std::int64_t cores = *quota / *period + (*quota % *period == 0 ? 0 : 1);
  return static_cast<int>(std::min<std::int64_t>(cores, CPU_SETSIZE));
}

/// The least of a cgroup's own quota and of those above it.
std::optional<int> least_quota(const std::string& root, std::string directory, bool v2) {
  std::optional<int> least;
  while (directory.size() > 1) {
    const auto quota = quota_in(root + directory, v2);
    if (quota) least = std::min(least.value_or(*quota), *quota);
    directory.erase(directory.rfind('/'));
  }
  return least;
}

/// The directory of the own cgroup in the v2 hierarchy, or in that of v1 which has the controller.
std::optional<std::string> own_cgroup_with(std::string_view mountinfo, std::string_view cgroup,
                                           std::string_view controller) {
  const auto path = path_of(cgroup, controller);
  if (!path || path->starts_with("/..")) return std::nullopt;
  while (const auto line = next_line(mountinfo)) {
    const auto mount = ipc::parse_mount(*line);
    if (!mount || !is_hierarchy_of(*mount, controller)) continue;
    if (mount->root == "/") return joined(mount->point, *path);
    // Without a namespace a container sees a part of the hierarchy, and whole paths.
    if (*path == mount->root) return mount->point;
    if (path->starts_with(mount->root + "/")) {
      return joined(mount->point, path->substr(mount->root.size()));
    }
  }
  return std::nullopt;
}

int cores_of_affinity() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  // Fails on machines with more than CPU_SETSIZE (1024) cores.
  if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

}  // namespace

int available_cores() {
  const int cores = cores_of_affinity();
  return std::min(cores, cores_of_quota().value_or(cores));
}

std::optional<int> cores_of_quota(const std::string& root) {
  const std::string mounts = text_of(root + "/proc/self/mountinfo");
  const std::string cgroup = text_of(root + "/proc/self/cgroup");
  std::optional<int> least;
  for (const std::string_view controller : {"", "cpu"}) {
    const auto own = own_cgroup_with(mounts, cgroup, controller);
    if (!own) continue;
    const auto quota = least_quota(root, *own, controller.empty());
    if (quota) least = std::min(least.value_or(*quota), *quota);
  }
  return least;
}

}  // namespace reeve::supervisor
