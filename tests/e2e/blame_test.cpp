// The two classic failures of an async server, and who is named for them while they last: a
// coroutine that blocks the event loop, and a thread pool that is exhausted.

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "tests/e2e/harness/reeve_test.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REEVE_SANITIZED 1
#else
#define REEVE_SANITIZED 0
#endif

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

class Blame : public ReeveTest {
 protected:
  [[nodiscard]] static std::string why(const Reeve& reeve) {
    return reeve.ctl({"why", "web:0"}).output;
  }
  [[nodiscard]] static std::string status(const Reeve& reeve) {
    return reeve.ctl({"status"}).output;
  }
  /// The time in the middle of `count` requests, on one connection.
  [[nodiscard]] static std::chrono::microseconds typical_time(const Reeve& reeve,
                                                              std::string_view path, int count) {
    Connection connection = reeve.connect();
    std::vector<std::chrono::microseconds> times;
    for (int i = 0; i < count; ++i) {
      const auto began = Clock::now();
      EXPECT_TRUE(judge(connection.get(path)));
      times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began));
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
  }
  /// "300 ms" or "1.2 s" behind `text` in the log, in seconds.
  [[nodiscard]] static double seconds_behind(const Reeve& reeve, const std::string& text) {
    const std::string log = reeve.log();
    const auto found = log.find(text);
    if (found == std::string::npos) return -1;
    char* unit = nullptr;
    const double number = std::strtod(log.c_str() + found + text.size(), &unit);
    return std::string_view(unit).starts_with(" ms") ? number / 1000 : number;
  }
};

TEST_F(Blame, ACoroutineThatBlocksIsNamedWhileItBlocks) {
  constexpr auto kBlocks = 4s;
  Reeve& reeve = start_ready(probe_pool(1));
  Connection connection = reeve.connect();
  const auto began = Clock::now();
  connection.send(get_request("/stall?ms=4000"));
  ASSERT_TRUE(reeve.logs("GET /stall blocks the event loop, for "));
  const double told_after = seconds_behind(reeve, "GET /stall blocks the event loop, for ");
  EXPECT_LE(told_after, 1.0) << "seconds, as it says itself";
  EXPECT_THAT(status(reeve), HasSubstr("GET /stall blocks its event loop now, for "));
  EXPECT_THAT(why(reeve), HasSubstr("GET /stall blocks its event loop now, for "));
  EXPECT_LT(Clock::now() - began, kBlocks) << "all of that while it blocks";
  EXPECT_THAT(reeve.log(), HasSubstr("co_await offload(...)")) << "the remedy";
#if !REEVE_SANITIZED
  EXPECT_TRUE(reeve.logs("::stall (")) << "the stack";
#endif
  EXPECT_TRUE(judge(connection.receive())) << "the signal that asks for the stack is no harm";
  EXPECT_TRUE(reeve.logs("GET /stall no longer blocks the event loop"));
  EXPECT_TRUE(eventually([&] {
    return why(reeve).contains(
        "its event loop was blocked once, by GET /stall "
        "for ");
  }));
  EXPECT_THAT(status(reeve), Not(HasSubstr("/stall"))) << "it is over";
  EXPECT_THAT(reeve.log(), Not(HasSubstr("the thread pool is exhausted"))) << "the other failure";
}

TEST_F(Blame, TheDrainSaysWhoHasBlockedTheLoop) {
  Reeve& reeve = start_ready(probe_pool(1));
  EXPECT_TRUE(judge(reeve.get("/stall?ms=600")));
  ASSERT_TRUE(reeve.logs("no longer blocks the event loop"));
  EXPECT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_TRUE(reeve.logs("its event loop was blocked once, by GET /stall for "));
}

TEST_F(Blame, AHungWorkerIsKilledWithTheRouteThatHungIt) {
  Reeve& reeve = start_ready(probe_pool(1, R"(watchdog = "1s"
)"));
  Connection connection = reeve.connect();
  connection.send(get_request("/stall?ms=600000"));
  EXPECT_TRUE(reeve.logs("no sign of life"));
  EXPECT_TRUE(reeve.logs("GET /stall blocks its event loop now, for "));
  EXPECT_TRUE(eventually(
      [&] { return why(reeve).contains("GET /stall was blocking its event loop, for "); }));
}

TEST_F(Blame, AFullThreadPoolRefusesTheExcessAndHarmsNobodyElse) {
  constexpr int kRequests = 16;
  Reeve& reeve =
      start_ready(probe_pool(1, "env = { PROBE_THREADS = \"2\", PROBE_QUEUE = \"4\" }\n"));
  const auto quiet = typical_time(reeve, "/pid", 30);

  std::vector<Connection> connections;
  for (int i = 0; i < kRequests; ++i) {
    connections.push_back(reeve.connect());
    connections.back().send(get_request("/block?ms=1500"));
  }
  ASSERT_TRUE(reeve.logs("the thread pool is exhausted"));
  EXPECT_LT(typical_time(reeve, "/pid", 30), std::max(4 * quiet, quiet + 10ms))
      << "a coroutine needs no thread";
  EXPECT_TRUE(judge(reeve.get("/health/live")));
  EXPECT_THAT(status(reeve), HasSubstr("its 2 threads are all taken now, most of them by GET "
                                       "/block"));

  int answered = 0;
  int refused = 0;
  for (Connection& connection : connections) {
    const Answer answer = connection.receive();
    ASSERT_TRUE(answer);
    if (answer->status == 200) ++answered;
    if (answer->status != 503) continue;
    ++refused;
    EXPECT_GE(std::atoi(answer->header("retry-after").c_str()), 1);
  }
  EXPECT_EQ(answered + refused, kRequests);
  EXPECT_GE(answered, 4) << "what the queue holds";
  EXPECT_LE(answered, 6) << "and two that had a thread already";
  EXPECT_TRUE(reeve.logs("the thread pool keeps up again"));
  EXPECT_THAT(reeve.log(), AllOf(HasSubstr("while the event loop is healthy"),
                                 HasSubstr("GET /block on 2"), HasSubstr("(503)")));
  EXPECT_THAT(reeve.log(), Not(HasSubstr("GET /block blocks the event loop")))
      << "the other failure";
  EXPECT_THAT(why(reeve), HasSubstr("its 2 threads were all taken"));
}

}  // namespace
}  // namespace reeve::e2e
