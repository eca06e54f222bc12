#include "supervisor/system/out_of_memory.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "ipc/base/mount.hpp"
#include "ipc/base/text.hpp"
#include "supervisor/system/small_file.hpp"

namespace reeve::supervisor {
namespace {

std::optional<std::uint64_t> oom_kills(const std::string& file) {
  const auto text = read_small_file(file);
  return text ? number_of(*text, "oom_kill") : std::nullopt;
}

bool has_item(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    if (ipc::take_until(list, ',') == wanted) return true;
  }
  return false;
}

/// "4:memory:/some/where"
std::string memory_v1_path(std::string_view cgroup) {
  while (auto line = next_line(cgroup)) {
    ipc::take_until(*line, ':');
    if (has_item(ipc::take_until(*line, ':'), "memory")) return std::string(*line);
  }
  return {};
}

}  // namespace

OutOfMemoryWatch::OutOfMemoryWatch(std::string file)
    : file_(std::move(file)), seen_(count().value_or(0)), settled_(seen_), at_last_age_(seen_) {}

std::optional<std::uint64_t> OutOfMemoryWatch::count() const {
  return file_.empty() ? std::nullopt : oom_kills(file_);
}

std::optional<bool> OutOfMemoryWatch::has_killed() {
  const auto kills = count();
  if (!kills) return std::nullopt;
  seen_ = *kills;
  return seen_ > settled_;
}

void OutOfMemoryWatch::settle() { settled_ = std::max(settled_, seen_); }

void OutOfMemoryWatch::age() {
  settled_ = std::max(settled_, at_last_age_);
  at_last_age_ = count().value_or(at_last_age_);
}

std::string find_oom_counter(const std::string& own_cgroup) {
  if (!own_cgroup.empty()) {
    if (std::string events = own_cgroup + "/memory.events"; oom_kills(events)) return events;
  }
  const auto mounts = read_small_file("/proc/self/mountinfo");
  const auto cgroup = read_small_file("/proc/self/cgroup");
  if (mounts && cgroup) {
    const std::string directory = memory_v1_directory(*mounts, *cgroup);
    std::string control = directory + "/memory.oom_control";
    if (!directory.empty() && oom_kills(control)) return control;
  }
  const std::string machine = "/proc/vmstat";
  return oom_kills(machine) ? machine : "";
}

std::string memory_v1_directory(std::string_view mountinfo, std::string_view cgroup) {
  const std::string path = memory_v1_path(cgroup);
  if (path.empty()) return {};
  while (auto line = next_line(mountinfo)) {
    const auto mount = ipc::parse_mount(*line);
    if (!mount || mount->type != "cgroup" || !has_item(mount->options, "memory")) continue;
    if (mount->root == "/") return path == "/" ? mount->point : mount->point + path;
    return path.starts_with(mount->root) ? mount->point + path.substr(mount->root.size())
                                         : mount->point;
  }
  return {};
}

}  // namespace reeve::supervisor
