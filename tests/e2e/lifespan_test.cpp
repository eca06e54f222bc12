// The lifespan of a native worker as its log tells it: opened in order, closed in reverse, always.

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using Lifespan = ReeveTest;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

/// The resources in the order in which the log has "probe: `verb` NAME".
std::vector<std::string> resources(const std::string& log, const std::string& verb) {
  std::vector<std::string> result;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find("probe: " + verb + " ");
    if (at == std::string::npos) continue;
    std::istringstream rest(line.substr(at + std::string("probe: ").size() + verb.size()));
    rest >> result.emplace_back();
  }
  return result;
}

TEST_F(Lifespan, ClosesInReverseOrder) {
  Reeve& reeve = start_ready(probe_pool(1));
  ASSERT_EQ(reeve.stop(), Exit{.code = 0});
  const auto opened = resources(reeve.log(), "open");
  auto closed = resources(reeve.log(), "close");
  ASSERT_EQ(opened.size(), 4U) << reeve.log();
  std::ranges::reverse(closed);
  EXPECT_EQ(opened, closed);
}

TEST_F(Lifespan, AFailedStartClosesWhatWasOpen) {
  Reeve& reeve = start(probe_pool(1, R"(env = { PROBE_FAIL_RESOURCE = "cache" }
restart = "never"
)"));
  ASSERT_TRUE(eventually([&] {
    const auto state = reeve.slot("web:0").state;
    return state == "EXITED" || state == "FATAL";
  }));
  const auto opened = resources(reeve.log(), "open");
  auto closed = resources(reeve.log(), "close");
  EXPECT_FALSE(opened.empty());
  std::ranges::reverse(closed);
  EXPECT_EQ(opened, closed);
}

/// A probe whose cache never opens.
std::string hanging_start(std::string_view start_timeout) {
  return probe_pool(1, fmt::format(R"(env = {{ PROBE_HANG_RESOURCE = "cache" }}
start_timeout = "{}"
backoff = {{ first = "60s", max = "60s" }}
)",
                                   start_timeout));
}

TEST_F(Lifespan, AResourceThatHangsIsNamedWhenTheStartIsGivenUp) {
  Reeve& reeve = start(hanging_start("500ms"));
  ASSERT_TRUE(reeve.becomes("web:0", "BACKOFF"));
  EXPECT_THAT(reeve.log(), HasSubstr("cache")) << "what it was doing";
}

TEST_F(Lifespan, WhyNamesTheResourceInWhichAStartHung) {
  Reeve& reeve = start(hanging_start("1500ms"));
  ASSERT_TRUE(reeve.becomes("web:0", "BACKOFF"));
  EXPECT_THAT(reeve.ctl({"why", "web:0"}).output,
              AllOf(HasSubstr("start_timeout"), HasSubstr("doing: opening cache")));
}

TEST_F(Lifespan, TheStatusNamesWhatIsLongInClosing) {
  Reeve& reeve = start_ready(probe_pool(1, "env = { PROBE_HANG_CLOSE = \"client\" }"));
  Watch(reeve.pid("web:0")).signal(SIGTERM);
  const auto shown = [&] { return reeve.ctl({"status", "web:0", "--lifespan"}).output; };
  std::string table;
  EXPECT_TRUE(eventually([&] {
    table = shown();
    return table.contains(" closing ");
  })) << table;
  EXPECT_THAT(table, ContainsRegex("client .* closing .* for "));
}

TEST_F(Lifespan, TheStatusSaysWhatIsDownUntilItComes) {
  const std::filesystem::path file = dir / "up";
  Reeve& reeve =
      start_ready(probe_pool(1, "env = { PROBE_DOWN_UNTIL = \"" + file.string() + "\" }"));
  EXPECT_TRUE(eventually([&] {
    return reeve.ctl({"status"}).output.contains("; Error: cache: it is down\n");
  })) << reeve.ctl({"status"}).output;
  EXPECT_THAT(reeve.ctl({"why"}).output, HasSubstr("its state is Error: cache: it is down\n"));
  std::ofstream(file).close();
  EXPECT_TRUE(eventually([&] { return reeve.slot("web:0").worker_state == "Running"; }));
  EXPECT_THAT(reeve.ctl({"status"}).output, Not(HasSubstr("down")));
}

TEST_F(Lifespan, NothingListensBeforeEveryResourceIsOpen) {
  Reeve& reeve =
      start(probe_pool(1, "env = { PROBE_HANG_RESOURCE = \"cache\" }\ngrace = \"200ms\""));
  ASSERT_TRUE(eventually([&] { return reeve.slot("web:0").worker_state == "Starting"; }));
  // The connection waits in the queue of the master's listener: accepted by nobody, refused by
  // nobody.
  auto connection = Connection::open(reeve.port(), 100ms);
  ASSERT_TRUE(connection);
  EXPECT_EQ(loss_of(connection->get("/pid")), Loss::Timeout);
}

TEST_F(Lifespan, TheFivePhasesAreLogged) {
  Reeve& reeve = start_ready(probe_pool(1));
  for (const char* phase : {"[1/5]", "[2/5]", "[3/5]", "[4/5]", "[5/5]"}) {
    EXPECT_THAT(reeve.log(), HasSubstr(phase));
  }
}

}  // namespace
}  // namespace reeve::e2e
