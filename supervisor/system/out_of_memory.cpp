#include "supervisor/system/out_of_memory.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "supervisor/system/small_file.hpp"

namespace reeve::supervisor {
namespace {

std::optional<std::uint64_t> oom_kills(const std::string& file) {
  const auto text = read_small_file(file);
  return text ? number_of(*text, "oom_kill") : std::nullopt;
}

bool has_item(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == wanted) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

/// "4:memory:/some/where"
std::string memory_v1_path(std::string_view cgroup) {
  while (const auto line = next_line(cgroup)) {
    const std::size_t first = line->find(':');
    const std::size_t second = line->find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    if (has_item(line->substr(first + 1, second - first - 1), "memory")) {
      return std::string(line->substr(second + 1));
    }
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
    // "14 34 0:32 ROOT POINT OPTIONS [TAGS] - cgroup cgroup rw,memory"
    std::array<std::string_view, 5> fields;
    for (std::string_view& field : fields) field = next_word(*line).value_or("");
    auto word = next_word(*line);
    while (word && *word != "-") word = next_word(*line);
    if (!word || next_word(*line) != "cgroup" || !next_word(*line)) continue;
    if (!has_item(next_word(*line).value_or(""), "memory")) continue;
    const std::string_view root = fields[3];
    const std::string point(fields[4]);
    if (root == "/") return path == "/" ? point : point + path;
    return path.starts_with(root) ? point + path.substr(root.size()) : point;
  }
  return {};
}

}  // namespace reeve::supervisor
