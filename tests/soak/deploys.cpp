// Rolling restarts, one after the other, as fast as draining workers let them.

#include <fmt/format.h>

#include "tests/soak/scenarios.hpp"
#include "tests/soak/stage.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

constexpr int kWorkers = 2;

}  // namespace

int run_deploys(const Options& options) {
  Stage stage(options, web_pool(kWorkers, options.max_draining, R"(watchdog = "5s")"));
  for (int rolls = 0; rolls < options.times || !stage.satisfied(); ++rolls) {
    const e2e::Finished verdict = stage.reeve().ctl({"restart", "web"});
    if (verdict.code() != 0) {
      stage.fault(fmt::format("roll {} ended with {}: {}{}", rolls + 1, verdict.code(),
                              verdict.output, verdict.errors));
      break;
    }
    stage.progress(fmt::format("{} of {} rolls", rolls + 1, options.times));
    stage.pause_up_to(100ms);
  }
  return stage.finish(kWorkers);
}

}  // namespace reeve::soak
