#include "supervisor/process/launch_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "ipc/environment.hpp"
#include "ipc/listen_fds.hpp"
#include "supervisor/config/limits.hpp"
#include "supervisor/config/program.hpp"

namespace reeve::supervisor {
namespace {

namespace environment = ipc::environment;

constexpr std::array<std::string_view, 5> kForTheMasterAlone = {"LISTEN_", "WATCHDOG_", "REEVE_",
                                                                "NOTIFY_SOCKET", "JOURNAL_STREAM"};

std::string join(const std::vector<std::string>& words, char separator) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

void lay_over(Environment& variables, const Environment& stronger) {
  for (const auto& [name, value] : stronger) variables[name] = value;
}

/// What login(1) would set; PATH and SHELL stay the master's.
void add_user(Environment& variables, const User& who) {
  variables["USER"] = name_of(who);
  variables["LOGNAME"] = name_of(who);
  variables["HOME"] = who.home.empty() ? "/" : who.home;
}

void add_watchdog(Environment& variables, const PoolConfig& pool) {
  if (!pool.spec.watchdog) return;
  const auto interval = std::chrono::duration_cast<std::chrono::microseconds>(*pool.spec.watchdog);
  variables[environment::kWatchdogUsec] = fmt::to_string(interval.count());
  variables[environment::kWatchdogPid] = std::string(kPidDigits, '0');
}

/// Soft and hard alike, as systemd does: a worker cannot lift what the operator has set.
std::vector<ResourceLimit> resource_limits(const Limits& limits) {
  std::vector<ResourceLimit> all;
  for (const auto& [name, value] : limits.resources) {
    const auto resource = resource_number(name);
    if (!resource) continue;  // The configuration was checked.
    all.push_back({.name = name, .resource = *resource, .value = {value, value}});
  }
  return all;
}

std::string milliseconds(Duration duration) {
  return fmt::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void add_identity(Environment& variables, const PoolConfig& pool, const WorkerIdentity& identity) {
  const int channel = ipc::kFirstListenFd + static_cast<int>(pool.listen.size());
  variables[environment::kChannel] = fmt::to_string(channel);
  variables[environment::kRecorder] = fmt::to_string(channel + 1);
  variables[environment::kSlot] = identity.slot;
  variables[environment::kPid] = std::string(kPidDigits, '0');
  variables[environment::kGeneration] =
      fmt::to_string(static_cast<std::uint64_t>(identity.generation));
  variables[environment::kGraceMs] = milliseconds(pool.spec.grace);
  variables[environment::kIdleDrainMs] = milliseconds(pool.idle_drain);
  variables[environment::kNotifySocket] = identity.notify_socket;
  if (!pool.app.empty()) variables[environment::kApp] = pool.app;
  if (pool.listen.empty()) return;
  variables["LISTEN_FDS"] = fmt::to_string(pool.listen.size());
  variables["LISTEN_FDNAMES"] = join(pool.listen, ':');
  variables["LISTEN_PID"] = std::string(kPidDigits, '0');
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    const bool is_escaped = at > 0 && text[at - 1] == '$' && from.starts_with("${");
    if (!is_escaped) text.replace(at, from.size(), to);
    at += is_escaped ? from.size() : to.size();
  }
}

}  // namespace

Environment inheritable_environment(const char* const* environment) {
  Environment kept;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const std::size_t equals = entry.find('=');
    const bool ours = std::ranges::any_of(kForTheMasterAlone, [&entry](std::string_view prefix) {
      return entry.starts_with(prefix);
    });
    if (equals == std::string_view::npos || ours) continue;
    kept.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return kept;
}

LaunchPlan plan_launch(const PoolConfig& pool, const Environment& inherited,
                       const WorkerIdentity& identity) {
  Environment variables = inherited;
  if (identity.user) add_user(variables, *identity.user);
  lay_over(variables, pool.env_from_file);
  lay_over(variables, pool.env);
  add_identity(variables, pool, identity);
  add_watchdog(variables, pool);

  LaunchPlan plan;
  plan.arguments = expand_command(pool, identity.index);
  // Not found: exec itself shall say why.
  plan.program = find_program(pool).value_or(plan.arguments.front());
  plan.directory = pool.directory;
  plan.user = identity.user;
  plan.stop = pool.stop;
  plan.limits = resource_limits(pool.limits);
  plan.umask = pool.umask;
  plan.nice = pool.nice;
  plan.environment.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    plan.environment.push_back(fmt::format("{}={}", name, value));
  }
  return plan;
}

LaunchPlan plan_probe(const PoolConfig& pool, const Probe& probe, const Environment& inherited,
                      const WorkerIdentity& identity, pid_t worker) {
  PoolConfig asking = pool;
  asking.command = probe.command;
  asking.listen.clear();
  asking.spec.watchdog.reset();
  asking.stop.signal = SIGKILL;  // When the master dies.
  LaunchPlan plan = plan_launch(asking, inherited, identity);
  std::erase_if(plan.environment, [](std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('='));
    return name == environment::kChannel || name == environment::kRecorder ||
           name == environment::kNotifySocket;
  });
  plan.environment.push_back(fmt::format("MAINPID={}", worker));
  return plan;
}

std::string name_of(const User& user) {
  return user.name.empty() ? fmt::to_string(user.uid) : user.name;
}

std::expected<void, std::string> check_required(const PoolConfig& pool, const LaunchPlan& plan) {
  std::vector<std::string> missing;
  for (const std::string& name : pool.required_env) {
    // Empty is as good as missing: `FOO=` in a file is a value that somebody forgot.
    const bool is_set = std::ranges::any_of(plan.environment, [&name](const std::string& variable) {
      return variable.size() > name.size() + 1 && variable.starts_with(name) &&
             variable[name.size()] == '=';
    });
    if (!is_set) missing.push_back(name);
  }
  if (missing.empty()) return {};
  return std::unexpected(
      fmt::format("pool.{}.required_env: {} {} not set; set {} in env, in env_file or in the "
                  "master's environment",
                  pool.spec.name, fmt::join(missing, ", "), missing.size() == 1 ? "is" : "are",
                  missing.size() == 1 ? "it" : "them"));
}

std::vector<std::string> expand_command(const PoolConfig& pool, int index) {
  std::vector<std::string> expanded = pool.command;
  const auto replace = [&expanded](std::string_view word, int number) {
    const std::string placeholder = fmt::format("${{{}}}", word);
    for (std::string& argument : expanded) {
      replace_all(argument, placeholder, fmt::to_string(number));
    }
  };
  for (std::size_t i = 0; i < pool.listen.size(); ++i) {
    replace("fd:" + pool.listen[i], ipc::kFirstListenFd + static_cast<int>(i));
  }
  replace("slot", index);
  if (pool.port) replace("port", *pool.port + index);
  for (std::string& argument : expanded) replace_all(argument, "$${", "${");
  return expanded;
}

}  // namespace reeve::supervisor
