#include "supervisor/shell/master.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <optional>

#include "ipc/base/uv.hpp"
#include "ipc/version.hpp"
#include "supervisor/shell/log.hpp"
#include "supervisor/shell/output.hpp"
#include "supervisor/shell/supervision.hpp"

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

int supervise(ipc::uv::Loop& loop, Log& log, const Config& config, const std::string& config_path) {
  const auto nofile = raise_descriptor_limit();
  std::vector<ipc::NamedFd> adopted = ipc::adopt_listen_fds();

  const auto runtime_dir = RuntimeDir::hold(config.supervisor.runtime_dir);
  if (!runtime_dir) {
    log.error("{}", runtime_dir.error().text);
    return runtime_dir.error().held_by_another ? exit_code::kHeld : exit_code::kCannotStart;
  }
  auto listeners = open_listeners(config.listeners, {}, adopted);
  if (!listeners) {
    log.error("{}", listeners.error().text);
    return exit_code::kCannotStart;
  }
  log.info("reeve {} (pid {}) supervises {}", ipc::kVersion, ::getpid(), config.supervisor.name);
  for (const SharedListener& listener : *listeners) {
    log.info("listening on {} {}", listener->name(), listener->address());
  }

  Supervision supervision(loop, log, config,
                          {.config_path = config_path,
                           .adopted = std::move(adopted),
                           .workers = {.environment = inheritable_environment(environ),
                                       .notify_socket = runtime_dir->notify_socket(),
                                       .nofile = nofile}});
  if (auto opened = supervision.open(config, *runtime_dir, *listeners); !opened) {
    log.error("{}", opened.error().text);
    return exit_code::kCannotStart;
  }
  listeners->clear();  // From now on the pools own them.
  return supervision.run();
}

}  // namespace

int Master::run() {
  block_signals();
  become_subreaper();
  ipc::uv::Loop loop;
  Output output(loop, STDERR_FILENO);
  Log log(output, config_.supervisor.log_format, dress_for(STDERR_FILENO, output.is_terminal()),
          config_.supervisor.log_level);
  int code = exit_code::kCannotStart;
  try {
    code = supervise(loop, log, config_, config_path_);
  } catch (const std::exception& error) {  // libuv or the kernel refused what every start needs.
    log.error("cannot start: {}", error.what());
  }
  output.finish(kLastLines);
  return code;
}

}  // namespace reeve::supervisor
