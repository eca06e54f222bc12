#include "supervisor/shell/launch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ipc/environment.hpp"
#include "ipc/listen_fds.hpp"
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

std::string milliseconds(Duration duration) {
  return fmt::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void add_identity(Environment& variables, const PoolConfig& pool, const WorkerIdentity& identity) {
  const int channel = ipc::kFirstListenFd + static_cast<int>(pool.listen.size());
  variables[environment::kChannel] = fmt::to_string(channel);
  variables[environment::kRecorder] = fmt::to_string(channel + 1);
  variables[environment::kSlot] = identity.slot;
  variables[environment::kGeneration] =
      fmt::to_string(static_cast<std::uint64_t>(identity.generation));
  variables[environment::kGraceMs] = milliseconds(pool.spec.grace);
  variables[environment::kIdleDrainMs] = milliseconds(pool.idle_drain);
  variables[environment::kNotifySocket] = identity.notify_socket;
  if (pool.listen.empty()) return;
  variables["LISTEN_FDS"] = fmt::to_string(pool.listen.size());
  variables["LISTEN_FDNAMES"] = join(pool.listen, ':');
  variables["LISTEN_PID"] = std::string(kListenPidDigits, '0');
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
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
  for (const auto& [name, value] : pool.env) variables[name] = value;
  add_identity(variables, pool, identity);

  LaunchPlan plan;
  plan.arguments = expand_command(pool.command, pool.listen);
  // Not found: exec itself shall say why.
  plan.program = find_program(pool).value_or(plan.arguments.front());
  plan.directory = pool.directory;
  plan.environment.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    plan.environment.push_back(fmt::format("{}={}", name, value));
  }
  return plan;
}

std::vector<std::string> expand_command(const std::vector<std::string>& command,
                                        const std::vector<std::string>& listen) {
  std::vector<std::string> expanded = command;
  for (std::size_t i = 0; i < listen.size(); ++i) {
    const std::string placeholder = fmt::format("${{fd:{}}}", listen[i]);
    const std::string number = fmt::to_string(ipc::kFirstListenFd + static_cast<int>(i));
    for (std::string& argument : expanded) replace_all(argument, placeholder, number);
  }
  return expanded;
}

}  // namespace reeve::supervisor
