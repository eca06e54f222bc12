// The master is replaced by its binary, in place: the same pid, and workers that notice nothing.

#include <fmt/format.h>

#include <algorithm>

#include "tests/soak/scenarios.hpp"
#include "tests/soak/stage.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

constexpr int kWorkers = 2;

}  // namespace

int run_upgrades(const Options& options) {
  Stage stage(options, web_pool(kWorkers, options.max_draining));
  const auto pids = stage.reeve().pids();
  for (int upgrades = 0; upgrades < options.times || !stage.satisfied(); ++upgrades) {
    if (upgrades < options.times) {
      const e2e::Finished verdict = stage.reeve().ctl({"upgrade"});
      if (verdict.code() != 0) {
        stage.fault(fmt::format("upgrade {} ended with {}: {}{}", upgrades + 1, verdict.code(),
                                verdict.output, verdict.errors));
        break;
      }
      if (stage.reeve().master().watch().ended()) {
        stage.fault(fmt::format("upgrade {}: the master has another pid now", upgrades + 1));
        break;
      }
      if (stage.reeve().pids() != pids) {
        stage.fault(fmt::format("upgrade {}: the workers are not the same", upgrades + 1));
      }
    }
    stage.progress(
        fmt::format("{} of {} upgrades", std::min(upgrades + 1, options.times), options.times));
    stage.pause_up_to(400ms);
  }
  return stage.finish(kWorkers);
}

}  // namespace reeve::soak
