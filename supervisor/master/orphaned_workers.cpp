#include "supervisor/master/orphaned_workers.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <set>
#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/environment.hpp"
#include "supervisor/system/small_file.hpp"

namespace reeve::supervisor {
namespace {

// Between two looks at whether somebody is in a hurry.
constexpr auto kLook = std::chrono::milliseconds(50);
// After SIGKILL: only what is stuck in the kernel takes longer.
constexpr auto kDying = std::chrono::seconds(2);

pid_t parent_of(pid_t pid) {
  const auto status = read_small_file(fmt::format("/proc/{}/status", pid));
  return status ? static_cast<pid_t>(number_of(*status, "PPid:").value_or(0)) : 0;
}

std::set<pid_t> myself_and_my_ancestors() {
  std::set<pid_t> family;
  for (pid_t pid = ::getpid(); pid > 0 && family.insert(pid).second;) pid = parent_of(pid);
  return family;
}

std::set<pid_t> members_below(const std::string& cgroup_base) {
  std::set<pid_t> members;
  if (cgroup_base.empty()) return members;
  for_each_name_in(cgroup_base, [&](std::string_view name) {
    const auto text = read_small_file(fmt::format("{}/{}/cgroup.procs", cgroup_base, name));
    for (const pid_t pid : pids_in(text.value_or(""))) members.insert(pid);
    return true;
  });
  return members;
}

/// /proc/PID/environ is memory of the process: a read of it waits for a lock that a stuck one may
/// hold, and is in vain on somebody else's. Root may have had workers of any user.
bool may_be_ours(pid_t pid) {
  const uid_t me = ::geteuid();
  struct stat info{};
  return me == 0 || (::stat(fmt::format("/proc/{}", pid).c_str(), &info) == 0 && info.st_uid == me);
}

/// Opened before anything is read of it, so that what was read is of this process.
ipc::UniqueFd open_pidfd(pid_t pid) {
  return ipc::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void send(const OrphanedWorker& worker, int signal) {
  ::syscall(SYS_pidfd_send_signal, worker.pidfd.get(), signal, nullptr, 0);
}

/// How many still live, after waiting for a change within `limit`.
int count_living(const std::vector<OrphanedWorker>& orphans, std::chrono::milliseconds limit) {
  std::vector<pollfd> living;
  for (const OrphanedWorker& each : orphans) {
    pollfd ended{each.pidfd.get(), POLLIN, 0};
    if (::poll(&ended, 1, 0) == 0) living.push_back(ended);
  }
  if (!living.empty()) ::poll(living.data(), living.size(), static_cast<int>(limit.count()));
  return static_cast<int>(living.size());
}

int wait_for(const std::vector<OrphanedWorker>& orphans, ipc::Duration limit,
             const std::function<bool()>& hurry) {
  const auto deadline = ipc::Clock::now() + limit;
  int living = 0;
  while ((living = count_living(orphans, kLook)) > 0) {
    if (ipc::Clock::now() >= deadline || hurry()) break;
  }
  return living;
}

}  // namespace

std::optional<std::string> slot_in_environment(std::string_view environment,
                                               std::string_view notify_socket) {
  std::optional<std::string> slot;
  bool is_ours = false;
  const std::string slot_is = fmt::format("{}=", ipc::environment::kSlot);
  const std::string socket_is =
      fmt::format("{}={}", ipc::environment::kNotifySocket, notify_socket);
  while (!environment.empty()) {
    const std::string_view variable = ipc::take_until(environment, '\0');
    if (variable.starts_with(slot_is)) {
      slot = ipc::printable(variable.substr(slot_is.size()), 64);
    }
    is_ours = is_ours || variable == socket_is;
  }
  return is_ours ? slot : std::nullopt;
}

std::vector<OrphanedWorker> find_orphaned_workers(const FormerMaster& master) {
  std::vector<OrphanedWorker> orphans;
  const std::set<pid_t> family = myself_and_my_ancestors();
  const std::set<pid_t> members = members_below(master.cgroup_base);
  std::vector<pid_t> candidates;
  for_each_name_in("/proc", [&](std::string_view name) {
    const auto pid = ipc::parse_number<pid_t>(name);
    if (pid && *pid > 1 && !family.contains(*pid)) candidates.push_back(*pid);
    return true;
  });
  for (const pid_t pid : candidates) {
    OrphanedWorker found{.pid = pid, .pidfd = open_pidfd(pid), .slot = ""};
    if (!found.pidfd) continue;  // It has gone.
    const bool is_member = members.contains(pid);
    if (!is_member && !may_be_ours(pid)) continue;
    const auto environment = read_small_file(fmt::format("/proc/{}/environ", pid));
    auto slot =
        environment ? slot_in_environment(*environment, master.notify_socket) : std::nullopt;
    if (!slot && !is_member) continue;
    found.slot = std::move(slot).value_or("");
    orphans.push_back(std::move(found));
  }
  return orphans;
}

int end_orphaned_workers(const std::vector<OrphanedWorker>& orphans, ipc::Duration grace,
                         const std::function<bool()>& hurry) {
  for (const OrphanedWorker& each : orphans) send(each, each.stop_signal);
  const int refused = wait_for(orphans, grace, hurry);
  if (refused == 0) return 0;
  for (const OrphanedWorker& each : orphans) send(each, SIGKILL);
  [[maybe_unused]] const int stuck = wait_for(orphans, kDying, [] { return false; });
  return refused;
}

}  // namespace reeve::supervisor
