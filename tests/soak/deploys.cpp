// Rolling restarts, one after the other, as fast as draining workers let them.

#include <fmt/format.h>

#include "tests/soak/environment.hpp"
#include "tests/soak/scenarios.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

}  // namespace

int run_deploys(const Options& options) {
  Environment environment(options, web_pool(kWorkers, options.max_draining, R"(watchdog = "5s")"));
  for (int rolls = 0; rolls < options.times || !environment.satisfied(); ++rolls) {
    const e2e::Finished verdict = environment.reeve().ctl({"restart", "web"});
    if (verdict.code() != 0) {
      environment.fault(fmt::format("roll {} ended with {}: {}{}", rolls + 1, verdict.code(),
                                    verdict.output, verdict.errors));
      break;
    }
    environment.progress(fmt::format("{} of {} rolls", rolls + 1, options.times));
    environment.pause_up_to(100ms);
  }
  return environment.finish(kWorkers);
}

}  // namespace reeve::soak
