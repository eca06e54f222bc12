#include "tests/e2e/harness/process_tree.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "tests/e2e/harness/eventually.hpp"
#include "tests/e2e/harness/temp_dir.hpp"

namespace reeve::e2e {
namespace {

std::optional<ProcessInfo> read_info(const std::filesystem::path& directory) {
  const std::string text = read_file(directory / "stat");
  // "12 (any (name) at all) S 1 ...": only the last parenthesis ends the name.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  ProcessInfo info;
  info.pid = std::stoi(text);
  std::istringstream rest(text.substr(name_end + 1));
  rest >> info.state >> info.parent >> info.group;
  std::string skipped;
  for (int field = 6; field < 20; ++field) rest >> skipped;  // proc(5): num_threads is field 20.
  rest >> info.threads;
  return info;
}

std::vector<ProcessInfo> all_processes() {
  std::vector<ProcessInfo> result;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) continue;
    if (auto info = read_info(entry.path())) result.push_back(*info);
  }
  return result;
}

}  // namespace

std::vector<ProcessInfo> descendants(pid_t root) {
  const auto all = all_processes();
  std::set<pid_t> family = {root};
  std::vector<ProcessInfo> result;
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& each : all) {
      if (!family.contains(each.parent) || !family.insert(each.pid).second) continue;
      result.push_back(each);
      grown = true;
    }
  }
  return result;
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void kill_descendants() {
  (void)eventually([] {
    const auto family = descendants(::getpid());
    for (const auto& each : family) ::kill(each.pid, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return family.empty();
  });
}

}  // namespace reeve::e2e
