#include "supervisor/system/cgroup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "ipc/base/clock.hpp"
#include "ipc/base/mount.hpp"
#include "ipc/base/text.hpp"
#include "supervisor/system/small_file.hpp"

namespace reeve::supervisor {
namespace {

constexpr mode_t kCgroupMode = 0755;
constexpr std::string_view kSupervisor = "/supervisor";
// Only processes that are stuck in the kernel keep a cgroup from becoming empty; more are given up.
constexpr std::size_t kMostRetired = 1024;
// So many workers of one name may run at the same time: of pools that were removed and added again.
constexpr int kMostNamesakes = 1024;

// Grandchildren that were killed at the very end get so long to be gone.
constexpr auto kLastMoments = std::chrono::milliseconds(100);

std::string joined(const std::string& directory, std::string_view below) {
  if (below.empty() || below == "/") return directory;
  return directory + (below.starts_with('/') ? "" : "/") + std::string(below);
}

/// The line of the v2 hierarchy: "0::/system.slice/shop.service".
std::optional<std::string> path_in_hierarchy(std::string_view cgroup) {
  while (const auto line = next_line(cgroup)) {
    if (line->starts_with("0::/")) return std::string(line->substr(3));
  }
  return std::nullopt;
}

/// systemd marks with "1" what it has handed over.
bool marked_as_delegated(const std::string& directory) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    char value = '0';
    if (::getxattr(directory.c_str(), name, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

/// Waits for processes that were killed there, which need a moment to be gone.
void wait_until_empty(const std::string& path, ipc::TimePoint deadline) {
  const ipc::UniqueFd events(::open((path + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  char text[256];
  while (events) {
    const ssize_t size = ::pread(events.get(), text, sizeof(text), 0);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - ipc::Clock::now());
    if (size <= 0 || left.count() <= 0) return;
    if (number_of({text, static_cast<std::size_t>(size)}, "populated") != 1) return;
    pollfd changed{events.get(), POLLPRI, 0};
    ::poll(&changed, 1, static_cast<int>(left.count()));
  }
}

/// None: there is no such file, or it says "max".
std::optional<std::uint64_t> read_limit(const std::string& file) {
  const std::string text = read_small_file(file).value_or("");
  return ipc::parse_number<std::uint64_t>(std::string_view(text).substr(0, text.find('\n')));
}

bool has_word(std::string_view text, std::string_view wanted) {
  while (const auto word = next_word(text)) {
    if (*word == wanted) return true;
  }
  return false;
}

}  // namespace

ipc::Result<std::string> find_own_cgroup(std::string_view mountinfo, std::string_view cgroup) {
  const auto path = path_in_hierarchy(cgroup);
  if (!path) return ipc::failure("this kernel has no cgroup v2 hierarchy");
  if (path->starts_with("/..")) return ipc::failure("its cgroup is outside of its namespace");
  while (const auto line = next_line(mountinfo)) {
    const auto mount = ipc::parse_mount(*line);
    if (!mount || mount->type != "cgroup2") continue;
    if (mount->root == "/") return joined(mount->point, *path);
    // Without a namespace a container sees a part of the hierarchy, and whole paths.
    if (*path == mount->root) return mount->point;
    if (path->starts_with(mount->root + "/")) {
      return joined(mount->point, path->substr(mount->root.size()));
    }
  }
  return ipc::failure("no cgroup v2 hierarchy is mounted that shows the master's own cgroup");
}

ipc::Result<> check_delegated(const std::string& directory) {
  if (::access(directory.c_str(), W_OK) != 0) {
    return ipc::system_error("make cgroups in", directory, errno);
  }
  struct stat info{};
  const bool systemd_runs = ::lstat("/run/systemd/system", &info) == 0;
  if (systemd_runs && !marked_as_delegated(directory)) {
    return ipc::failure(fmt::format(
        "{} belongs to systemd; set Delegate=yes in the unit of the master", directory));
  }
  return {};
}

WorkerCgroup::WorkerCgroup(CgroupTree& tree, std::string path)
    : tree_(tree),
      path_(std::move(path)),
      kill_file_(::open((path_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC)),
      memory_limit_(read_limit(path_ + "/memory.max")),
      kills_(path_ + "/memory.events") {
  tree_.workers_.insert(this);
}

WorkerCgroup::~WorkerCgroup() {
  tree_.workers_.erase(this);
  tree_.retire(std::move(path_));
}

ipc::Result<ipc::UniqueFd> WorkerCgroup::open() const {
  ipc::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return ipc::system_error("open cgroup", path_, errno);
  return fd;
}

void WorkerCgroup::kill() const {
  if (kill_file_) {
    // The write fails once the cgroup is removed: one of the same name is another one.
    [[maybe_unused]] const ssize_t tolerated = ::write(kill_file_.get(), "1", 1);
    return;
  }
  // Before Linux 5.14: one by one. A child that is forked meanwhile escapes; the process group was
  // killed too.
  signal(SIGKILL, 0);
}

void WorkerCgroup::signal(int signal, pid_t except_group) const {
  for (const pid_t pid : pids()) {
    if (::getpgid(pid) != except_group) ::kill(pid, signal);
  }
}

bool WorkerCgroup::populated() const {
  const auto events = read_small_file(path_ + "/cgroup.events");
  return events && number_of(*events, "populated") == 1;
}

std::vector<pid_t> WorkerCgroup::pids() const {
  return pids_in(read_small_file(path_ + "/cgroup.procs").value_or(""));
}

ipc::Result<> WorkerCgroup::limit_memory(std::uint64_t bytes) {
  if (auto enabled = tree_.enable_memory(); !enabled) return enabled;
  if (auto set = write_small_file(path_ + "/memory.max", fmt::to_string(bytes)); !set) return set;
  memory_limit_ = bytes;
  return {};
}

CgroupTree::CgroupTree(std::string own, std::string base)
    : own_(std::move(own)), base_(std::move(base)) {}

ipc::Result<std::unique_ptr<CgroupTree>> CgroupTree::open(const std::string& own,
                                                          const std::string& name) {
  const std::string within = fmt::format("/{}{}", name, kSupervisor);
  const std::string above = own.ends_with(within) ? own.substr(0, own.size() - within.size()) : own;
  std::string base = fmt::format("{}/{}", above, name);
  if (::mkdir(base.c_str(), kCgroupMode) != 0 && errno != EEXIST) {
    return ipc::system_error("make cgroup", base, errno);
  }
  return std::unique_ptr<CgroupTree>(new CgroupTree(above, std::move(base)));
}

/// The master goes back where it came from, or its cgroup could not be removed. A cgroup that
/// cannot be removed is found again by the next master.
CgroupTree::~CgroupTree() {
  remove_empty_ones();
  const auto deadline = ipc::Clock::now() + kLastMoments;
  for (const std::string& path : retired_) wait_until_empty(path, deadline);
  remove_empty_ones();
  const std::string supervisor = base_ + std::string(kSupervisor);
  if (::access(supervisor.c_str(), F_OK) == 0) {
    for (const std::string& directory : {base_, own_}) {
      [[maybe_unused]] const auto tolerated =
          write_small_file(directory + "/cgroup.subtree_control", "-memory");
    }
    [[maybe_unused]] const auto tolerated = write_small_file(own_ + "/cgroup.procs", "0");
    ::rmdir(supervisor.c_str());
  }
  ::rmdir(base_.c_str());
}

ipc::Result<std::unique_ptr<WorkerCgroup>> CgroupTree::add(const std::string& name) {
  const std::string wanted = fmt::format("{}/{}", base_, name);
  std::string path = wanted;
  // An existing cgroup is not taken over, even when it is empty: its worker may not be reaped yet.
  for (int number = 2; ::mkdir(path.c_str(), kCgroupMode) != 0; ++number) {
    if (errno != EEXIST || number > kMostNamesakes) {
      return ipc::system_error("make cgroup", path, errno);
    }
    path = fmt::format("{}.{}", wanted, number);
  }
  return std::make_unique<WorkerCgroup>(*this, std::move(path));
}

std::unique_ptr<WorkerCgroup> CgroupTree::adopt(pid_t pid) {
  const auto cgroup = read_small_file(fmt::format("/proc/{}/cgroup", pid));
  const auto path = cgroup ? path_in_hierarchy(*cgroup) : std::nullopt;
  if (!path) return nullptr;
  const std::string within = base_.substr(base_.rfind('/')) + "/";
  const std::size_t found = path->rfind(within);
  if (found == std::string::npos) return nullptr;
  const std::string name = path->substr(found + within.size());
  if (name.contains('/') || "/" + name == kSupervisor) return nullptr;
  return std::make_unique<WorkerCgroup>(*this, fmt::format("{}/{}", base_, name));
}

void CgroupTree::retire(std::string path) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return;
  if (retired_.size() < kMostRetired) retired_.push_back(std::move(path));
}

void CgroupTree::remove_empty_ones() {
  for_each_name_in(base_, [this](std::string_view name) {
    ::rmdir(fmt::format("{}/{}", base_, name).c_str());  // A file of the kernel stays.
    return true;
  });
  sweep();
}

void CgroupTree::age_kills() {
  for (WorkerCgroup* worker : workers_) worker->kills_.age();
}

void CgroupTree::sweep() {
  std::erase_if(retired_, [](const std::string& path) {
    return ::rmdir(path.c_str()) == 0 || errno == ENOENT;
  });
}

ipc::Result<> CgroupTree::enable_memory() {
  if (!memory_) memory_ = share_memory_out();
  return *memory_;
}

ipc::Result<> CgroupTree::share_memory_out() {
  const auto controllers = read_small_file(own_ + "/cgroup.controllers");
  if (!controllers) return std::unexpected(controllers.error());
  if (!has_word(*controllers, "memory")) {
    return ipc::failure(fmt::format("the memory controller is not enabled in {}", own_));
  }
  auto shared = write_small_file(own_ + "/cgroup.subtree_control", "+memory");
  if (!shared && shared.error().code == EBUSY) {
    const std::string supervisor = base_ + std::string(kSupervisor);
    if (::mkdir(supervisor.c_str(), kCgroupMode) != 0 && errno != EEXIST) {
      return ipc::system_error("make cgroup", supervisor, errno);
    }
    if (auto moved = write_small_file(supervisor + "/cgroup.procs", "0"); !moved) return moved;
    shared = write_small_file(own_ + "/cgroup.subtree_control", "+memory");
  }
  return shared ? write_small_file(base_ + "/cgroup.subtree_control", "+memory") : shared;
}

std::string cgroup_name(const std::string& runtime_dir) {
  std::string name = "reeve" + std::string(runtime_dir.starts_with('/') ? "" : ":") + runtime_dir;
  std::ranges::replace(name, '/', ':');
  return name;
}

ipc::Result<std::string> own_cgroup() {
  const auto mounts = read_small_file("/proc/self/mountinfo");
  if (!mounts) return std::unexpected(mounts.error());
  const auto cgroup = read_small_file("/proc/self/cgroup");
  if (!cgroup) return std::unexpected(cgroup.error());
  return find_own_cgroup(*mounts, *cgroup);
}

ipc::Result<std::unique_ptr<CgroupTree>> open_cgroup_tree(const std::string& runtime_dir) {
  const auto own = own_cgroup();
  if (!own) return std::unexpected(own.error());
  const std::string name = cgroup_name(runtime_dir);
  if (!own->ends_with(fmt::format("/{}{}", name, kSupervisor))) {
    if (auto delegated = check_delegated(*own); !delegated) {
      return std::unexpected(delegated.error());
    }
  }
  return CgroupTree::open(*own, name);
}

}  // namespace reeve::supervisor
