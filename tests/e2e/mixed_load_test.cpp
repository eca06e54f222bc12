// Everything at once that a worker does concurrently: threads, timers, channels, background tasks,
// scheduled runs, streams, timeouts and clients that leave, while its pool is rolled. Also what a
// sanitizer is to look at (label `race`).

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <string_view>

#include "tests/e2e/harness/load.hpp"
#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/ticks.hpp"

namespace reeve::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr Milliseconds kBeatPeriod = 50ms;
constexpr int kWorkers = 2;

class MixedLoad : public ReeveTest {
 protected:
  Reeve& start_mixed() {
    return start_ready(fmt::format(R"([supervisor]
name = "mixed"
runtime_dir = "@dir@/run"
log = {{ level = "debug" }}

{})",
                                   probe_pool(kWorkers, fmt::format(R"(
env = {{ PROBE_THREADS = "4", PROBE_SCHEDULE_DIR = "@dir@", PROBE_SCHEDULE_MS = "{}" }}
)",
                                                                    kBeatPeriod.count()))));
  }

  /// Lets `per_request`, `keep_alive` and `leaving` clients in.
  void add(const Reeve& reeve, int per_request, int keep_alive, int leaving, std::string path,
           std::string body = "") {
    loads_.emplace_back(LoadPlan{.port = reeve.port(),
                                 .per_request = per_request,
                                 .keep_alive = keep_alive,
                                 .leaving = leaving,
                                 .path = std::move(path),
                                 .body = std::move(body),
                                 .patience = 3 * kPatience});
    clients_ += per_request + keep_alive + leaving;
  }
  void add_clients(const Reeve& reeve) {
    add(reeve, 15, 15, 10, "/slow?ms=20");
    add(reeve, 10, 10, 0, "/block?ms=2");
    add(reeve, 15, 15, 10, "/offload?ms=2");
    add(reeve, 10, 10, 0, "/patience?ms=20");
    add(reeve, 10, 10, 5, "/fan?ms=20");
    add(reeve, 10, 10, 15, "/stream?ticks=8&ms=10");
    add(reeve, 5, 5, 10, "/visit?ms=50");
  }
  /// Each kind of client gets answers.
  [[nodiscard]] bool all_go_on(std::uint64_t count) const {
    return std::ranges::all_of(
        loads_, [count](const Load& load) { return load.goes_on(count, 6 * kPatience); });
  }
  void roll_without_loss(Reeve& reeve) {
    ASSERT_TRUE(all_go_on(20));
    const Finished roll = reeve.ctl({"restart", "web"});
    ASSERT_EQ(roll.code(), 0) << roll.output << roll.errors;
    ASSERT_TRUE(all_go_on(20));
    for (Load& load : loads_) {
      const LoadReport report = load.stop();
      EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
    }
    EXPECT_THAT(reeve.ctl({"why", "web"}).output, Not(HasSubstr("its last death")));
  }
  [[nodiscard]] static int count_of(std::string_view what, const std::string& log) {
    int count = 0;
    for (auto at = log.find(what); at != std::string::npos; at = log.find(what, at + 1)) ++count;
    return count;
  }

  std::list<Load> loads_;
  int clients_ = 0;
};

TEST_F(MixedLoad, OfTwoHundredClientsARollLosesNothing) {
  Reeve& reeve = start_mixed();
  add_clients(reeve);
  EXPECT_EQ(clients_, 200);
  roll_without_loss(reeve);
  ASSERT_EQ(reeve.stop(3 * kPatience), Exit{.code = 0});
  const std::string log = reeve.log();
  EXPECT_EQ(count_of("probe: close telemetry", log), 2 * kWorkers) << "each closed its lifespan";
  EXPECT_THAT(log, Not(HasSubstr("cancelled ")));
  EXPECT_THAT(log, Not(HasSubstr("a background task has lost")));
  EXPECT_EQ(count_of("probe: begin visit", log), count_of("probe: end visit", log));
  EXPECT_THAT(judge_ticks(read_runs(dir / "ticks"), kBeatPeriod, log, {}).faults, IsEmpty());
}

/// A visit uses the cache, the provider, a value of each request, and a thread after the response.
TEST_F(MixedLoad, OfTheExampleAgentARollLosesNothing) {
  Reeve& reeve = start_ready(pool("web", R"(["@agent@"])", "workers = 2\nlisten = [\"http\"]"));
  add(reeve, 5, 10, 5, "/v1/complete", "to be");
  add(reeve, 5, 10, 5, "/v1/complete", "or not to be");
  add(reeve, 10, 10, 20, "/v1/stream", "one two three four five six seven eight");
  add(reeve, 5, 5, 0, "/v1/history");
  add(reeve, 5, 5, 0, "/metrics");
  roll_without_loss(reeve);
  ASSERT_EQ(reeve.stop(3 * kPatience), Exit{.code = 0});
  EXPECT_THAT(reeve.log(), Not(HasSubstr("cancelled ")));
}

}  // namespace
}  // namespace reeve::e2e
