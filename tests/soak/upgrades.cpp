// The master is replaced by its binary, in place: the same pid, and workers that notice nothing.

#include <fmt/format.h>

#include <algorithm>

#include "tests/soak/environment.hpp"
#include "tests/soak/scenarios.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

}  // namespace

int run_upgrades(const Options& options) {
  Environment environment(options, web_pool(kWorkers, options.max_draining));
  const auto pids = environment.reeve().pids();
  for (int upgrades = 0; upgrades < options.times || !environment.satisfied(); ++upgrades) {
    if (upgrades < options.times) {
      const e2e::Finished verdict = environment.reeve().ctl({"upgrade"});
      if (verdict.code() != 0) {
        environment.fault(fmt::format("upgrade {} ended with {}: {}{}", upgrades + 1,
                                      verdict.code(), verdict.output, verdict.errors));
        break;
      }
      if (environment.reeve().master().watch().ended()) {
        environment.fault(fmt::format("upgrade {}: the master has another pid now", upgrades + 1));
        break;
      }
      if (environment.reeve().pids() != pids) {
        environment.fault(fmt::format("upgrade {}: the workers are not the same", upgrades + 1));
      }
    }
    environment.progress(
        fmt::format("{} of {} upgrades", std::min(upgrades + 1, options.times), options.times));
    environment.pause_up_to(400ms);
  }
  return environment.finish(kWorkers);
}

}  // namespace reeve::soak
