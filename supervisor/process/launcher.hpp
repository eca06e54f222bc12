#pragma once
// Starts worker processes: opens what crosses to the child, plans, forks, and keeps the master's
// ends. Loop thread.

#include <sys/resource.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ipc/base/error.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/process/deployment.hpp"
#include "supervisor/process/launch_plan.hpp"
#include "supervisor/process/process.hpp"

namespace reeve::supervisor {

class Launcher {
 public:
  struct Dependencies {
    Environment environment;  ///< what workers inherit of the master's
    std::string notify_socket;
    std::optional<rlimit> nofile;   ///< what the master was given; workers get the same
    CgroupTree* cgroups = nullptr;  ///< null: none was delegated to the master
    std::string why_no_cgroups;
    /// A limit or a right that a worker does not have, in spite of its configuration. The same text
    /// comes with every start.
    std::function<void(const std::string& text)> warn = [](const std::string&) {};
    /// The longest line of a worker's output, in bytes; null: the default of log.max_line.
    std::function<std::size_t()> longest_line = nullptr;
  };

  Launcher(ipc::uv::Loop& loop, Dependencies dependencies)
      : loop_(loop), dependencies_(std::move(dependencies)) {}

  /// `worker_sockets` has one for each steered listener of the deployment. An error means that no
  /// process was made, or that it could not be watched and was killed.
  [[nodiscard]] ipc::Result<std::unique_ptr<Process>> launch(const Deployment& deployment,
                                                             Process::Identity identity,
                                                             WorkerSockets worker_sockets,
                                                             ProcessObserver& observer) const;

  struct LaunchedProbe {
    Spawned spawned;
    ipc::UniqueFd output;  ///< non-blocking
    std::unique_ptr<WorkerCgroup> cgroup;
  };
  /// Runs the command of a probe of one worker, as its user. An error as of launch().
  [[nodiscard]] ipc::Result<LaunchedProbe> launch_probe(const PoolConfig& pool, const Probe& probe,
                                                        Process::Identity identity,
                                                        pid_t worker) const;

  [[nodiscard]] const Dependencies& dependencies() const { return dependencies_; }

 private:
  [[nodiscard]] WorkerIdentity identity_of(const PoolConfig& pool,
                                           const Process::Identity& identity) const;
  void add_nofile(LaunchPlan& plan) const;
  [[nodiscard]] std::unique_ptr<WorkerCgroup> make_cgroup(const PoolConfig& pool,
                                                          const std::string& name) const;
  void limit_memory(const PoolConfig& pool, WorkerCgroup* cgroup) const;
  void open_notify_socket_to(const PoolConfig& pool, const User& who) const;

  ipc::uv::Loop& loop_;
  Dependencies dependencies_;
};

}  // namespace reeve::supervisor
