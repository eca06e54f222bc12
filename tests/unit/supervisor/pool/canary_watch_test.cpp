// When a canary is looked at, and who gets the verdict.

#include "supervisor/pool/canary_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr CommandId kCommand{7};
constexpr Generation kOld{1};
constexpr Generation kNew{2};

class WatchedCanary : public ::testing::Test {
 protected:
  testing::LoopDriver driver_;
  std::vector<CanaryWatch::Observed> workers_{
      {.worker = WorkerId{1}, .generation = kOld, .serves = true, .reading = {}},
      {.worker = WorkerId{2}, .generation = kNew, .serves = true, .reading = {}},
      {.worker = WorkerId{3}, .generation = kNew, .serves = true, .reading = {}}};
  std::vector<std::string> lines_;
  std::vector<CommandId> bad_;
  CanaryWatch watch_{
      driver_.loop,
      {.look = [this] { return workers_; },
       .on_figures = [this](const std::string& line) { lines_.push_back(line); },
       .on_bad = [this](CommandId command, const std::string&) { bad_.push_back(command); }}};
};

TEST_F(WatchedCanary, IsWatchedWhileAllCanariesServe) {
  EXPECT_FALSE(watch_.watching());
  watch_.begin(kCommand, kNew, std::chrono::hours(1));
  EXPECT_TRUE(watch_.watching());
  workers_[2].serves = false;
  EXPECT_FALSE(watch_.watching());
}

TEST_F(WatchedCanary, TellsItsFiguresNowAndThen) {
  watch_.begin(kCommand, kNew, std::chrono::milliseconds(1));
  EXPECT_TRUE(driver_.run_until([this] { return lines_.size() > 1; }));
  EXPECT_THAT(lines_[0], HasSubstr("no crash"));
  EXPECT_THAT(bad_, IsEmpty());
}

TEST_F(WatchedCanary, ThatCrashesIsBadBeforeTheEnd) {
  watch_.begin(kCommand, kNew, std::chrono::milliseconds(1));
  watch_.ended(workers_[2], true);
  workers_.pop_back();
  ASSERT_TRUE(driver_.run_until([this] { return !bad_.empty(); }));
  EXPECT_EQ(bad_[0], kCommand);
}

TEST_F(WatchedCanary, HasOneVerdictForItsOwnCommand) {
  watch_.begin(kCommand, kNew, std::chrono::hours(1));
  EXPECT_FALSE(watch_.end(CommandId{8}).has_value());
  EXPECT_TRUE(watch_.end(kCommand).has_value());
  EXPECT_FALSE(watch_.end(kCommand).has_value());
  EXPECT_FALSE(watch_.watching());
}

}  // namespace
}  // namespace reeve::supervisor
