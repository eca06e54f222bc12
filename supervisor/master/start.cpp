#include "supervisor/master/start.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/version.hpp"
#include "supervisor/log/log.hpp"
#include "supervisor/log/output.hpp"
#include "supervisor/master/master.hpp"
#include "supervisor/master/orphaned_workers.hpp"
#include "supervisor/system/cgroup.hpp"
#include "supervisor/system/config_lock.hpp"
#include "supervisor/system/exit_code.hpp"
#include "supervisor/system/out_of_memory.hpp"
#include "supervisor/upgrade/handover_rules.hpp"
#include "supervisor/upgrade/takeover.hpp"

namespace reeve::supervisor {
namespace {

/// For whoever reads the log to take its last lines.
constexpr auto kLastLines = std::chrono::milliseconds(250);

/// Lets the master open what hundreds of workers need. Returns what it was given: workers get no
/// more.
std::optional<rlimit> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  rlimit raised = limit;
  raised.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return limit;
}

/// Says each text once, however often a worker is started.
class Once {
 public:
  explicit Once(Log& log) : log_(&log) {}
  void operator()(const std::string& text) {
    if (told_.size() < kMost && told_.insert(text).second) log_->warn("{}", text);
  }

 private:
  static constexpr std::size_t kMost = 256;
  Log* log_;
  std::set<std::string> told_;
};

/// A second TERM, or any other wish to end, that has come while the master is not listening yet.
bool told_to_end() {
  sigset_t pending;
  ::sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
         sigismember(&pending, SIGQUIT) == 1;
}

/// Before any listener is opened: they may hold the addresses.
void end_workers_of_a_dead_master(Log& log, const Config& config, const RuntimeDir& runtime_dir,
                                  const std::string& cgroup_base) {
  if (!runtime_dir.dead_master()) return;
  auto orphans = find_orphaned_workers(
      {.notify_socket = runtime_dir.notify_socket(), .cgroup_base = cgroup_base});
  if (orphans.empty()) return;
  std::string who;
  Duration grace{};
  for (OrphanedWorker& each : orphans) {
    const auto pool = std::ranges::find(config.pools, each.slot.substr(0, each.slot.rfind(':')),
                                        [](const PoolConfig& one) { return one.spec.name; });
    if (pool != config.pools.end()) each.stop_signal = pool->stop.signal;
    who += fmt::format("{}pid {}{}", who.empty() ? "" : ", ", each.pid,
                       each.slot.empty() ? "" : fmt::format(" ({})", each.slot));
  }
  for (const PoolConfig& pool : config.pools) grace = std::max(grace, pool.spec.grace);
  log.warn("the master before this one (pid {}) was killed, and its workers still run: ending {}",
           *runtime_dir.dead_master(), who);
  ServiceManager::ask_for(grace);
  const int killed = end_orphaned_workers(orphans, grace, told_to_end);
  if (killed > 0) log.warn("{} of them had to be killed", killed);
}

/// What a master that begins and one that goes on have in common.
Master::Dependencies dependencies(const std::optional<rlimit>& nofile, RuntimeDir& runtime_dir,
                                  ConfigLock& config_lock,
                                  const ipc::Result<std::unique_ptr<CgroupTree>>& cgroups, Log& log,
                                  const Output& output) {
  return {.config_path = {},
          .adopted = {},
          .workers = {.environment = inheritable_environment(environ),
                      .notify_socket = runtime_dir.notify_socket(),
                      .nofile = nofile,
                      .cgroups = cgroups ? cgroups->get() : nullptr,
                      .why_no_cgroups = cgroups ? "" : cgroups.error().text,
                      .warn = Once(log),
                      .longest_line = [&log] { return log.longest_line(); }},
          .oom_counter = find_oom_counter(own_cgroup().value_or("")),
          .own_binary = {},
          .runtime_dir = runtime_dir,
          .config_lock = config_lock,
          .output = output};
}

int supervise(ipc::uv::Loop& loop, Output& output, Log& log, const Config& config,
              const std::string& config_path, OwnBinary own_binary) {
  const auto nofile = raise_descriptor_limit();
  std::vector<ipc::NamedFd> adopted =
      ipc::adopt_listen_fds([&log](const std::string& text) { log.warn("{}", text); });

  ConfigLock config_lock(config_path, config.supervisor.runtime_dir);
  if (const auto other = config_lock.take()) {
    log.error("{}", held_by_another(fmt::to_string(*other), config.supervisor.runtime_dir));
    return exit_code::kHeld;
  }
  auto runtime_dir = RuntimeDir::hold(config.supervisor.runtime_dir);
  if (!runtime_dir) {
    log.error("{}", runtime_dir.error().text);
    return runtime_dir.error().held_by_another ? exit_code::kHeld : exit_code::kCannotStart;
  }
  const auto cgroups = open_cgroup_tree(config.supervisor.runtime_dir);
  if (!cgroups) log.debug("no cgroup for each worker: {}", cgroups.error().text);
  end_workers_of_a_dead_master(log, config, *runtime_dir, cgroups ? (*cgroups)->base() : "");
  if (cgroups && runtime_dir->dead_master()) (*cgroups)->remove_empty_ones();

  auto listeners = open_listeners(config.listeners, {}, adopted);
  if (!listeners) {
    log.error("{}", listeners.error().text);
    return exit_code::kCannotStart;
  }
  // Only now: whoever starts a master that cannot start sees why on its own terminal.
  if (auto logged = log.follow(config.supervisor); !logged) {
    log.error("{}", logged.error().text);
    return exit_code::kCannotStart;
  }
  log.info("reeve {} (pid {}) supervises {}", ipc::kVersion, ::getpid(), config.supervisor.name);
  for (const SharedListener& listener : *listeners) {
    log.info("listening on {} {}", listener->name(), listener->address());
  }

  auto parts = dependencies(nofile, *runtime_dir, config_lock, cgroups, log, output);
  parts.config_path = config_path;
  parts.adopted = std::move(adopted);
  parts.own_binary = std::move(own_binary);
  Master master(loop, log, config.supervisor, std::move(parts));
  if (auto opened = master.open(config, *listeners); !opened) {
    log.error("{}", opened.error().text);
    return exit_code::kCannotStart;
  }
  listeners->clear();  // From now on the pools own them.
  return master.run();
}

int go_on(ipc::uv::Loop& loop, Output& output, Log& log, const Handover& handover,
          OwnBinary own_binary) {
  if (!handover.unwritten_log.empty()) output.write(handover.unwritten_log);
  RuntimeDir runtime_dir =
      RuntimeDir::adopt(handover.supervisor.runtime_dir, ipc::UniqueFd(handover.lock_fd));
  // The exec has let go of it.
  ConfigLock config_lock(handover.config_path, handover.supervisor.runtime_dir);
  [[maybe_unused]] const auto tolerated = config_lock.take();
  const auto cgroups = open_cgroup_tree(handover.supervisor.runtime_dir);
  if (cgroups) (*cgroups)->remove_empty_ones();
  if (auto logged = log.follow(handover.supervisor); !logged) log.error("{}", logged.error().text);
  const auto nofile = handover.nofile.transform([](const LimitHandover& limit) {
    return rlimit{.rlim_cur = limit.soft, .rlim_max = limit.hard};
  });
  auto parts = dependencies(nofile, runtime_dir, config_lock, cgroups, log, output);
  parts.config_path = handover.config_path;
  for (const NamedFdHandover& handed : handover.adopted) {
    parts.adopted.push_back({.name = handed.name, .fd = ipc::UniqueFd(handed.fd)});
  }
  parts.own_binary = {handover.binary, std::move(own_binary.arguments)};
  Master master(loop, log, handover.supervisor, std::move(parts));
  master.adopt(handover);
  return master.run();
}

/// `supervise` gets the loop, the output and the log.
template <class Supervise>
int run_with(const SupervisorConfig& config, Supervise supervise) {
  block_signals();
  become_subreaper();
  ipc::uv::Loop loop;
  Output output(loop, STDERR_FILENO);
  Log log(output, config.log_format, line_style_for(STDERR_FILENO, output.is_terminal()),
          config.log_level);
  int code = exit_code::kCannotStart;
  try {
    code = supervise(loop, output, log);
  } catch (const std::exception& error) {  // libuv or the kernel refused what every start needs.
    log.error("cannot start: {}", error.what());
  }
  output.finish(kLastLines);
  return code;
}

/// An exec by descriptor has left its number as the name that ps and top show.
void restore_name(const OwnBinary& own_binary) {
  if (own_binary.arguments.empty()) return;
  const std::string& path = own_binary.arguments.front();
  ::prctl(PR_SET_NAME, path.c_str() + path.rfind('/') + 1);  // npos + 1 is 0.
}

}  // namespace

int run_master(const Config& config, const std::string& config_path, OwnBinary own_binary) {
  return run_with(config.supervisor, [&](auto& loop, auto& output, auto& log) {
    return supervise(loop, output, log, config, config_path, std::move(own_binary));
  });
}

int take_over(int state, OwnBinary own_binary) {
  auto handover = receive(state);
  if (!handover) {
    // The trial has read the same; nobody is left to go back to.
    fmt::print(stderr, "reeve: cannot take over: {}\n", handover.error().text);
    return exit_code::kCannotStart;
  }
  ::close(state);
  set_inherited(descriptor_numbers(*handover), false);
  restore_name(own_binary);
  return run_with(handover->supervisor, [&](auto& loop, auto& output, auto& log) {
    return go_on(loop, output, log, *handover, std::move(own_binary));
  });
}

}  // namespace reeve::supervisor
