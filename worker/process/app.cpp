#include "reeve/app.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "ipc/listener.hpp"
#include "ipc/message.hpp"
#include "ipc/worker_exit.hpp"
#include "worker/process/command_line.hpp"
#include "worker/process/fork_safety.hpp"
#include "worker/process/identity.hpp"
#include "worker/process/log.hpp"
#include "worker/process/process.hpp"
#include "worker/process/signals.hpp"

namespace reeve {
namespace {

constexpr bool agree(App::ExitCode mine, ipc::WorkerExit masters) {
  return mine == static_cast<int>(masters);
}
static_assert(agree(App::Stopped, ipc::WorkerExit::Stopped) &&
              agree(App::BadUsage, ipc::WorkerExit::BadUsage) &&
              agree(App::ResourceFailed, ipc::WorkerExit::ResourceFailed) &&
              agree(App::InternalError, ipc::WorkerExit::InternalError) &&
              agree(App::SystemError, ipc::WorkerExit::SystemError) &&
              agree(App::TimedOut, ipc::WorkerExit::TimedOut) &&
              agree(App::BadConfiguration, ipc::WorkerExit::BadConfiguration) &&
              agree(App::OpenedTooEarly, ipc::WorkerExit::OpenedTooEarly));

/// Best effort: the master may be gone, and the log has it.
void tell_master(const worker::Identity& identity, const std::string& reason) {
  if (!identity.channel) return;
  [[maybe_unused]] const auto tolerated = identity.channel->send(
      ipc::format(ipc::WorkerMessage{.state = ipc::WorkerState::Failed, .reason = reason}));
}

/// Whether nothing exists yet that belongs into the lifespan, or may.
bool is_early_enough(const App& app, const worker::Identity& identity, worker::Log& log) {
  std::vector<int> expected{identity.recorder.fd()};
  if (identity.channel) expected.push_back(identity.channel->fd());
  for (const ipc::NamedFd& listener : identity.listeners) expected.push_back(listener.fd.get());
  const auto verdict =
      worker::judge(worker::find_early_things(expected), identity.channel.has_value());

  if (!verdict.warning.empty()) log.warning("{}", verdict.warning);
  if (verdict.refusal.empty()) return true;
  if (app.fork_safety() == ForkSafety::Warn) {
    log.warning("{}; going on, as told by fork_safety()", verdict.refusal);
    return true;
  }
  log.error("the start failed: {} (exit code {})", verdict.refusal, int{App::OpenedTooEarly});
  tell_master(identity, verdict.refusal);
  return false;
}

int live(const App& app, worker::Identity identity, std::vector<ipc::Address> listen) {
  using Style = worker::Log::Style;
  worker::Log log(identity.channel ? Style::Supervised : Style::Alone);
  for (const std::string& warning : identity.warnings) log.warning("{}", warning);
  if (!is_early_enough(app, identity, log)) {
    // The destructor of what is there, a std::thread say, might wait for ever or abort.
    std::fflush(nullptr);
    std::_Exit(App::OpenedTooEarly);
  }
  try {
    worker::Process process(app, std::move(identity), std::move(listen), log);
    const int code = process.run();
    if (process.thread_left_behind()) {
      // A join would wait for ever, and the values that the function uses must not be destroyed.
      log.warning("leaving a function behind that still runs on the thread pool");
      std::fflush(nullptr);
      std::_Exit(code);
    }
    return code;
  } catch (const std::system_error& error) {
    log.error("the start failed: {} (exit code {})", error.what(), int{App::SystemError});
    return App::SystemError;
  } catch (const std::exception& error) {
    log.error("the start failed: {} (exit code {})", error.what(), int{App::InternalError});
    return App::InternalError;
  }
}

}  // namespace

int App::run(int argc, char** argv) const {
  const std::string program = argc > 0 ? argv[0] : "worker";
  const auto refuse = [&](const std::string& why) {
    fmt::print(stderr, "{}: {}\n", program, why);
    return BadUsage;
  };
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  auto line = worker::parse_command_line(arguments.subspan(arguments.empty() ? 0 : 1));
  if (!line) return refuse(line.error());
  if (line->help) {
    fmt::print("{}", worker::usage(program));
    return Stopped;
  }

  auto identity = worker::adopt_identity();
  if (!identity) return refuse(identity.error().text);
  const auto refuse_as_worker = [&](const std::string& why) {
    tell_master(*identity, why);
    return refuse(why);
  };
  for (const ipc::NamedFd& listener : identity->listeners) {
    if (const auto usable = ipc::check_listener(listener.fd.get()); !usable) {
      return refuse_as_worker(fmt::format(
          "cannot serve the passed descriptor {} ({}): {}; a stream socket that listens "
          "is needed",
          listener.fd.get(), listener.name, usable.error().text));
    }
  }
  // A pool without `listen` was meant so when there is something else to do; on a command line it
  // is more likely that --listen was forgotten.
  const bool only_scheduled = identity->channel && !scheduled_jobs_.all().empty();
  if (identity->listeners.empty() && line->listen.empty() && !only_scheduled) {
    return refuse_as_worker(
        "nothing to listen on: no socket was passed; try --listen 127.0.0.1:8000");
  }
  worker::ignore_stray_signals();
  return live(*this, std::move(*identity), std::move(line->listen));
}

}  // namespace reeve
