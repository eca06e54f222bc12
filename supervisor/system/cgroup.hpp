#pragma once
// A cgroup (v2) of its own for each worker, below the master's, where one was delegated to it: what
// a worker has started ends with it, also what left its process group, and its memory can be
// limited. Without a delegation all of this is absent, and the process group has to do. Writes to
// cgroupfs never block. Loop thread.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "supervisor/system/out_of_memory.hpp"

namespace reeve::supervisor {

/// The directory of this process's own cgroup in the v2 hierarchy, from the texts of
/// /proc/self/mountinfo and /proc/self/cgroup. Counts /sys/fs/cgroup/unified of a hybrid layout.
/// Pure.
[[nodiscard]] ipc::Result<std::string> find_own_cgroup(std::string_view mountinfo,
                                                       std::string_view cgroup);

/// Whether the master may make cgroups in `directory`: it can write there, and no systemd says that
/// this part of the tree is its own (Delegate=, see systemd.resource-control(5)).
[[nodiscard]] ipc::Result<> check_delegated(const std::string& directory);

class CgroupTree;

/// The cgroup in which one worker lives with all that it starts. Processes that remain at its
/// destruction were killed by kill(); the directory goes when the last of them is reaped.
class WorkerCgroup {
 public:
  WorkerCgroup(CgroupTree& tree, std::string path);
  ~WorkerCgroup();
  WorkerCgroup(const WorkerCgroup&) = delete;
  WorkerCgroup& operator=(const WorkerCgroup&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// For LaunchPlan::cgroup_fd.
  [[nodiscard]] ipc::Result<ipc::UniqueFd> open() const;
  /// SIGKILL to every process in it. Needs no new descriptor.
  void kill() const;
  /// Another signal, to those that are not in this process group.
  void signal(int signal, pid_t except_group) const;
  /// Whether a process lives in it, or below.
  [[nodiscard]] bool populated() const;
  [[nodiscard]] std::vector<pid_t> pids() const;

  /// Sets memory.max. An error: there is no memory controller for it.
  [[nodiscard]] ipc::Result<> limit_memory(std::uint64_t bytes);
  /// The limit that limit_memory() has set, in this master or in the one before it.
  [[nodiscard]] std::optional<std::uint64_t> memory_limit() const { return memory_limit_; }
  /// Whether the kernel has killed here for lack of memory lately: since the last but one
  /// CgroupTree::age_kills() and since this was made. None: it does not say.
  [[nodiscard]] std::optional<bool> ran_out_of_memory() { return kills_.has_killed(); }

 private:
  friend class CgroupTree;
  CgroupTree& tree_;
  std::string path_;
  ipc::UniqueFd kill_file_;
  std::optional<std::uint64_t> memory_limit_;
  OutOfMemoryWatch kills_;
};

/// The cgroups of one master: `own`/`name`/web.0.7. It outlives every WorkerCgroup.
class CgroupTree {
 public:
  /// `own` is the master's cgroup, `name` tells it from other masters that share `own`
  /// (cgroup_name()). A master that sits in `own`/`name`/supervisor already, since it has replaced
  /// another one in place, finds itself again.
  [[nodiscard]] static ipc::Result<std::unique_ptr<CgroupTree>> open(const std::string& own,
                                                                     const std::string& name);
  ~CgroupTree();
  CgroupTree(const CgroupTree&) = delete;
  CgroupTree& operator=(const CgroupTree&) = delete;

  /// A new and empty one: `name`, or `name`.2 and so on while others bear it.
  [[nodiscard]] ipc::Result<std::unique_ptr<WorkerCgroup>> add(const std::string& name);
  /// The cgroup of a process that was started by the master that this one replaces; null: it is in
  /// none of this tree.
  [[nodiscard]] std::unique_ptr<WorkerCgroup> adopt(pid_t pid);

  /// To be called now and then: kills of a while ago explain no death of a worker.
  void age_kills();
  /// To be called after children were reaped: removes what has become empty since.
  void sweep();
  /// Removes also what a dead master has left behind. Start-up and end.
  void remove_empty_ones();
  /// The master steps aside, so that its children in the tree may have controllers: a cgroup with
  /// processes of its own cannot share any out. Tried once.
  [[nodiscard]] ipc::Result<> enable_memory();

  [[nodiscard]] const std::string& base() const { return base_; }
  /// Directories that could not be removed yet.
  [[nodiscard]] std::size_t waiting() const { return retired_.size(); }

 private:
  friend class WorkerCgroup;
  CgroupTree(std::string own, std::string base);
  void retire(std::string path);
  [[nodiscard]] ipc::Result<> share_memory_out();

  std::string own_;
  std::string base_;
  std::set<WorkerCgroup*> workers_;
  std::vector<std::string> retired_;
  std::optional<ipc::Result<>> memory_;
};

/// The name of a master's part of the tree: its runtime directory is its own.
[[nodiscard]] std::string cgroup_name(const std::string& runtime_dir);

/// find_own_cgroup() of this process.
[[nodiscard]] ipc::Result<std::string> own_cgroup();

/// The tree of this process, if one was delegated.
[[nodiscard]] ipc::Result<std::unique_ptr<CgroupTree>> open_cgroup_tree(
    const std::string& runtime_dir);

}  // namespace reeve::supervisor
