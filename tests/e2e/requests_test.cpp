// What a request leaves behind: background tasks and values of request scope, in drains and when
// clients leave.

#include <optional>
#include <string>

#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using Requests = ReeveTest;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Requests, ADrainWaitsForABackgroundTaskBeforeResourcesClose) {
  Reeve& reeve = start_ready(probe_pool(1));
  const Answer answer = reeve.get("/later?ms=300");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 202);
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});
  const std::string log = reeve.log();
  const auto mailed = log.find("probe: mailed from the database");
  ASSERT_NE(mailed, std::string::npos) << log;
  EXPECT_LT(mailed, log.find("probe: close cache")) << log;
}

TEST_F(Requests, ABackgroundTaskBeyondTheGraceIsCancelledAndNamed) {
  Reeve& reeve = start_ready(probe_pool(1, "grace = \"1s\""));
  ASSERT_TRUE(reeve.get("/later?ms=600000"));
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});
  const std::string log = reeve.log();
  EXPECT_THAT(log, HasSubstr("cancelled background task mail of GET /later ("));
  EXPECT_THAT(log, Not(HasSubstr("probe: mailed")));
  EXPECT_THAT(log, HasSubstr("probe: close telemetry"));
}

TEST_F(Requests, AStopThatCostSomethingSaysSo) {
  Reeve& reeve = start_ready(probe_pool(1, "grace = \"1s\"\nenv.PROBE_HANG_CLOSE = \"cache\""));
  Connection waiting = reeve.connect();
  waiting.send("GET /visit?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(reeve.logs("probe: begin visit"));
  ASSERT_TRUE(reeve.get("/later?ms=600000"));
  const std::string cost = "1 request, 1 background task cancelled, close of cache not done";
  EXPECT_EQ(reeve.ctl({"stop", "web:0"}).output, "web: stopped; " + cost + "\n");
  EXPECT_EQ(reeve.slot("web:0").cost, cost);
  EXPECT_THAT(reeve.log(), HasSubstr("STOPPING → STOPPED"));
  EXPECT_THAT(reeve.log(), HasSubstr(": " + cost + ")"));
  EXPECT_THAT(reeve.log(), HasSubstr("stopped; " + cost)) << "the worker's own log";
}

TEST_F(Requests, ARollThatCostSomethingShowsItInTheStatus) {
  Reeve& reeve = start_ready(probe_pool(1, "grace = \"1s\""));
  Connection waiting = reeve.connect();
  waiting.send("GET /visit?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(reeve.logs("probe: begin visit"));
  EXPECT_EQ(reeve.ctl({"restart", "web"}).exit, Exit{.code = 0});
  EXPECT_TRUE(eventually([&] { return reeve.slot("web:0").cost == "1 request cancelled"; }));
  EXPECT_THAT(reeve.ctl({"--json", "status"}).output, HasSubstr("1 request cancelled"));
  EXPECT_TRUE(reeve.logs("exited with code 0; 1 request cancelled"));
}

TEST_F(Requests, AClientThatLeavesEndsItsRequestAndItsValues) {
  Reeve& reeve = start_ready(probe_pool(1));
  {
    Connection leaving = reeve.connect();
    leaving.send("GET /visit?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(reeve.logs("probe: begin visit"));
  }
  EXPECT_TRUE(reeve.logs("probe: end visit of the database"));
}

TEST_F(Requests, ARequestThatTheGraceEndsStillClosesItsValuesBeforeResources) {
  Reeve& reeve = start_ready(probe_pool(1, "grace = \"1s\""));
  Connection waiting = reeve.connect();
  waiting.send("GET /visit?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(reeve.logs("probe: begin visit"));
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});
  const std::string log = reeve.log();
  const auto ended = log.find("probe: end visit of the database");
  ASSERT_NE(ended, std::string::npos) << log;
  EXPECT_LT(ended, log.find("probe: close cache")) << log;
}

}  // namespace
}  // namespace reeve::e2e
