#include "supervisor/upgrade/takeover.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <regex>
#include <string>

#include "ipc/base/text.hpp"
#include "ipc/version.hpp"
#include "supervisor/process/ready_log.hpp"
#include "supervisor/system/exit_code.hpp"
#include "supervisor/upgrade/handover_codec.hpp"
#include "supervisor/upgrade/handover_rules.hpp"
#include "supervisor/upgrade/sealed_memory.hpp"
#include "supervisor/upgrade/upgrade_trial.hpp"

namespace reeve::supervisor {
namespace {

ipc::Result<> check_patterns(const Handover& handover) {
  for (const PoolRunner::State& pool : handover.pools) {
    for (const Deployment::State& deployment : pool.deployments) {
      const auto* rule = std::get_if<ReadyLog>(&deployment.config.ready);
      if (rule == nullptr) continue;
      try {
        const ReadyLogMatcher matcher(rule->pattern);
      } catch (const std::regex_error& error) {
        return ipc::failure(fmt::format("pool.{}.ready: {}", pool.state.spec.name, error.what()));
      }
    }
  }
  return {};
}

int refuse(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  return exit_code::kCannotStart;
}

}  // namespace

std::optional<int> handed_over_at() {
  // NOLINTBEGIN(concurrency-mt-unsafe): one thread.
  const char* value = std::getenv(kHandoverVariable);
  if (value == nullptr) return std::nullopt;
  const int fd = ipc::parse_number<int>(value).value_or(kNoFd);
  ::unsetenv(kHandoverVariable);
  // NOLINTEND(concurrency-mt-unsafe)
  return fd;
}

ipc::Result<Handover> receive(int fd) {
  const auto text = read_sealed(fd);
  if (!text) return std::unexpected(text.error());
  auto handover = decode_handover(*text);
  if (!handover) return handover;
  if (const auto wrong = wrong_descriptor(descriptors_of(*handover)); !wrong.empty()) {
    return ipc::failure(wrong);
  }
  if (auto valid = check_patterns(*handover); !valid) return std::unexpected(valid.error());
  return handover;
}

int try_takeover(int fd) {
  const auto handover = receive(fd);
  if (!handover) return refuse(handover.error().text);
  if (!handover->config_path.empty()) {
    if (const auto config = load_config(handover->config_path); !config) {
      std::string errors = fmt::format("the configuration has {} error(s):", config.error().size());
      for (const ConfigError& error : config.error()) errors += "\n" + to_string(error);
      return refuse(errors);
    }
  }
  fmt::print("{}{}\n", kTrialAnswer, ipc::kVersion);
  return exit_code::kClean;
}

}  // namespace reeve::supervisor
