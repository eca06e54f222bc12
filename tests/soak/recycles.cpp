// Workers that are replaced because they are old, by themselves and all the time.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "tests/soak/environment.hpp"
#include "tests/soak/scenarios.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

}  // namespace

int run_recycles(const Options& options) {
  Environment environment(options, web_pool(kWorkers, options.max_draining,
                                            R"(recycle = { age = "300ms", jitter = 0.3 })"));
  std::set<int> seen;  // Every pid that has served.
  const auto recycled = [&] {
    std::ranges::copy(environment.reeve().pids(), std::inserter(seen, seen.end()));
    return static_cast<int>(seen.size()) - kWorkers;
  };
  while (recycled() < options.times || !environment.satisfied()) {
    environment.progress(fmt::format("{} of {} recycled", recycled(), options.times));
    const int before = recycled();
    if (!environment.expect_soon([&] { return recycled() > before; }, "no worker is recycled"))
      break;
  }
  return environment.finish(kWorkers);
}

}  // namespace reeve::soak
