#include "supervisor/process/launcher.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <system_error>
#include <utility>

#include "supervisor/core/process_name.hpp"
#include "supervisor/system/pipe.hpp"
#include "supervisor/system/socket_access.hpp"

namespace reeve::supervisor {
namespace {

int socket_for_worker(const Listener& listener, const WorkerSockets& worker_sockets) {
  const auto worker_socket = std::ranges::find_if(
      worker_sockets,
      [&listener](const WorkerSocket& taken) { return taken.is_at(listener.steered()); });
  return worker_socket == worker_sockets.end() ? listener.fd() : worker_socket->fd();
}

bool has_limit(const LaunchPlan& plan, int resource) {
  return std::ranges::find(plan.limits, resource, &ResourceLimit::resource) != plan.limits.end();
}

}  // namespace

ipc::Result<std::unique_ptr<Process>> Launcher::launch(const Deployment& deployment,
                                                       Process::Identity identity,
                                                       WorkerSockets worker_sockets,
                                                       ProcessObserver& observer) const {
  const PoolConfig& pool = deployment.config;
  if (!pool.user.empty() && !pool.run_as) {  // Never as the master instead.
    return ipc::failure(fmt::format(
        "pool.{0}.user: the identity of {1} was not handed over; use `reevectl deploy {0}`",
        pool.spec.name, pool.user));
  }
  auto channel = ipc::Channel::pair();
  if (!channel) return std::unexpected(channel.error());
  auto recorder = ipc::Recorder::create();
  if (!recorder) return std::unexpected(recorder.error());
  auto out = Pipe::open();
  if (!out) return std::unexpected(out.error());
  auto error = Pipe::open();
  if (!error) return std::unexpected(error.error());

  LaunchPlan plan = plan_launch(pool, dependencies_.environment, identity_of(pool, identity));
  if (auto required = check_required(pool, plan); !required) {
    return ipc::failure(std::move(required.error()));
  }
  if (dependencies_.longest_line) plan.longest_line = dependencies_.longest_line();
  plan.stdout_fd = out->write_end.get();
  plan.stderr_fd = error->write_end.get();
  add_nofile(plan);
  for (const SharedListener& listener : deployment.listeners) {
    plan.descriptors.push_back(socket_for_worker(*listener, worker_sockets));
  }
  plan.descriptors.push_back(channel->second.fd());
  plan.descriptors.push_back(recorder->fd());

  auto cgroup = make_cgroup(pool, fmt::format("{}.{}.{}", pool.spec.name, identity.slot,
                                              static_cast<std::uint64_t>(identity.worker)));
  limit_memory(pool, cgroup.get());
  if (plan.user) {
    open_notify_socket_to(pool, *plan.user);
    // Programs open /dev/stderr anew, which asks whose the pipe is. Tolerated: most do not.
    for (const int fd : {plan.stdout_fd, plan.stderr_fd}) {
      [[maybe_unused]] const int tolerated = ::fchown(fd, plan.user->uid, plan.user->gid);
    }
  }

  auto cgroup_fd = cgroup ? cgroup->open() : ipc::UniqueFd();
  if (!cgroup_fd) return std::unexpected(cgroup_fd.error());
  plan.cgroup_fd = cgroup_fd->get();
  auto spawned = spawn(plan);
  plan.cgroup_fd = -1;  // It closes here.
  if (!spawned) return std::unexpected(spawned.error());
  const pid_t pid = spawned->pid;
  try {
    return std::make_unique<Process>(
        loop_, observer, identity,
        Process::MasterEnds{std::move(channel->first), std::move(*recorder),
                            std::move(out->read_end), std::move(error->read_end),
                            std::move(worker_sockets), std::move(cgroup)},
        plan, std::move(*spawned));
  } catch (const std::system_error& lack) {
    // The kernel has nothing left to watch it with. It is reaped as any child, and is nobody's.
    ::kill(-pid, SIGKILL);
    return ipc::system_error("watch", fmt::format("pid {}", pid), lack.code().value());
  }
}

ipc::Result<Launcher::LaunchedProbe> Launcher::launch_probe(const PoolConfig& pool,
                                                            const Probe& probe,
                                                            Process::Identity identity,
                                                            pid_t worker) const {
  auto output = Pipe::open();
  if (!output) return std::unexpected(output.error());
  LaunchPlan plan =
      plan_probe(pool, probe, dependencies_.environment, identity_of(pool, identity), worker);
  plan.stdout_fd = output->write_end.get();
  plan.stderr_fd = output->write_end.get();
  add_nofile(plan);
  if (plan.user) {
    [[maybe_unused]] const int tolerated = ::fchown(plan.stdout_fd, plan.user->uid, plan.user->gid);
  }
  auto cgroup = make_cgroup(pool, fmt::format("{}.{}.probe", pool.spec.name, identity.slot));
  auto cgroup_fd = cgroup ? cgroup->open() : ipc::UniqueFd();
  if (!cgroup_fd) return std::unexpected(cgroup_fd.error());
  plan.cgroup_fd = cgroup_fd->get();
  auto spawned = spawn(plan);
  if (!spawned) return std::unexpected(spawned.error());
  return LaunchedProbe{.spawned = std::move(*spawned),
                       .output = std::move(output->read_end),
                       .cgroup = std::move(cgroup)};
}

WorkerIdentity Launcher::identity_of(const PoolConfig& pool,
                                     const Process::Identity& identity) const {
  return {.slot = slot_name(pool.spec.name, identity.slot),
          .index = identity.slot,
          .generation = identity.generation,
          .notify_socket = dependencies_.notify_socket,
          .user = pool.run_as};
}

void Launcher::add_nofile(LaunchPlan& plan) const {
  if (!dependencies_.nofile || has_limit(plan, RLIMIT_NOFILE)) return;
  plan.limits.push_back(
      {.name = "nofile", .resource = RLIMIT_NOFILE, .value = *dependencies_.nofile});
}

/// Without one the process group has to do: a worker is not refused for that.
std::unique_ptr<WorkerCgroup> Launcher::make_cgroup(const PoolConfig& pool,
                                                    const std::string& name) const {
  if (dependencies_.cgroups == nullptr) return nullptr;
  auto made = dependencies_.cgroups->add(name);
  if (made) return std::move(*made);
  dependencies_.warn(
      fmt::format("pool.{}: {}; going on without a cgroup: child processes end only with their "
                  "worker's process group",
                  pool.spec.name, made.error().text));
  return nullptr;
}

void Launcher::limit_memory(const PoolConfig& pool, WorkerCgroup* cgroup) const {
  if (!pool.limits.memory) return;
  std::string why = dependencies_.why_no_cgroups;
  if (cgroup != nullptr) {
    const auto limited = cgroup->limit_memory(*pool.limits.memory);
    if (limited) return;
    why = limited.error().text;
  }
  dependencies_.warn(fmt::format("pool.{}.limits.memory: the limit of {} does not hold: {}",
                                 pool.spec.name, short_size(*pool.limits.memory),
                                 why.empty() ? "a cgroup could not be made" : why));
}

void Launcher::open_notify_socket_to(const PoolConfig& pool, const User& who) const {
  const Access access = make_reachable(who, dependencies_.notify_socket);
  if (!access.opened.empty()) {
    dependencies_.warn(fmt::format("pool.{}.user: {}, so that {} reaches notify.sock there",
                                   pool.spec.name, access.opened, name_of(who)));
  }
  if (access.reaches) return;
  dependencies_.warn(fmt::format(
      "pool.{}.user: {} cannot reach {}, so what it says with sd_notify(3) is lost; put "
      "supervisor.runtime_dir where that user may enter",
      pool.spec.name, name_of(who), dependencies_.notify_socket));
}

}  // namespace reeve::supervisor
