// More workers, fewer workers, while the master runs.

#include <csignal>
#include <string>
#include <vector>

#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::HasSubstr;

using Scale = ReeveTest;

TEST_F(Scale, ToANumber) {
  Reeve& reeve = start_ready(hello_pool(1));
  const int first = reeve.pid("web:0");
  EXPECT_EQ(reeve.ctl({"scale", "web", "3"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 3) << "the command returns when they serve";
  EXPECT_EQ(reeve.pid("web:0"), first);
}

TEST_F(Scale, ByADifference) {
  Reeve& reeve = start_ready(hello_pool(2));
  EXPECT_EQ(reeve.ctl({"scale", "web", "+1"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 3);
  EXPECT_EQ(reeve.ctl({"scale", "web", "-2"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 1);
}

TEST_F(Scale, DownDrainsTheHighestSlots) {
  Reeve& reeve = start_ready(hello_pool(3));
  const auto before = reeve.pids();
  EXPECT_EQ(reeve.ctl({"scale", "web", "1"}).code(), 0);
  EXPECT_EQ(reeve.pid("web:0"), before[0]);
  EXPECT_TRUE(Watch(before[1]).ended_within(kPatience));
  EXPECT_TRUE(Watch(before[2]).ended_within(kPatience));
  EXPECT_TRUE(eventually([&] { return reeve.status().size() == 1; }));
}

TEST_F(Scale, DownAnswersWhatIsInFlight) {
  Reeve& reeve = start_ready(probe_pool(1));
  ASSERT_EQ(reeve.ctl({"scale", "web", "+1"}).code(), 0);
  // Either of the two workers gets it; if that is the one that leaves, it must answer all the same.
  std::vector<Connection> in_flight;
  for (int i = 0; i < 8; ++i) {
    in_flight.push_back(reeve.connect());
    in_flight.back().send(get_request("/slow?ms=300"));
  }
  ASSERT_TRUE(eventually(
      [&] { return reeve.slot("web:0").in_flight + reeve.slot("web:1").in_flight == 8; }));
  ASSERT_EQ(reeve.ctl({"scale", "web", "1"}).code(), 0);
  for (auto& connection : in_flight) EXPECT_TRUE(judge(connection.receive()));
}

TEST_F(Scale, SurvivesARestart) {
  Reeve& reeve = start_ready(hello_pool(1));
  ASSERT_EQ(reeve.ctl({"scale", "web", "3"}).code(), 0);
  ASSERT_EQ(reeve.ctl({"restart", "web"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 3);
}

TEST_F(Scale, IntoThePortsOfAnotherPoolIsRefused) {
  const std::string keys = "ready = { after = \"0ms\" }\nport = ";
  // Nobody binds them.
  Reeve& reeve = start_ready(pool("a", R"(["/bin/sleep", "1000"])", keys + "20000\n") +
                             pool("b", R"(["/bin/sleep", "1000"])", keys + "20002\n"));
  ASSERT_EQ(reeve.ctl({"scale", "a", "2"}).code(), 0);
  const Finished verdict = reeve.ctl({"scale", "a", "3"});
  EXPECT_NE(verdict.code(), 0);
  EXPECT_THAT(verdict.output + verdict.errors,
              HasSubstr("3 workers of a would bind the ports 20000 to 20002, and b has 20002"));
  reeve.master().signal(SIGTTIN);  // One more in the first pool.
  EXPECT_TRUE(reeve.logs("3 workers of a would bind"));
  EXPECT_EQ(reeve.count("RUNNING"), 3);
}

TEST_F(Scale, BelowZeroIsRefused) {
  Reeve& reeve = start_ready(hello_pool(1));
  EXPECT_NE(reeve.ctl({"scale", "web", "-5"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 1);
}

TEST_F(Scale, NonsenseIsRefused) {
  Reeve& reeve = start_ready(hello_pool(1));
  for (const char* workers : {"many", "1000000000", ""}) {
    const Finished verdict = reeve.ctl({"scale", "web", workers});
    EXPECT_NE(verdict.code(), 0) << workers;
    EXPECT_FALSE((verdict.output + verdict.errors).empty()) << workers;
  }
  EXPECT_NE(reeve.ctl({"scale", "nobody", "2"}).code(), 0);
  EXPECT_EQ(reeve.count("RUNNING"), 1);
}

}  // namespace
}  // namespace reeve::e2e
