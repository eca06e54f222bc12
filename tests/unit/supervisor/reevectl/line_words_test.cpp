#include "supervisor/reevectl/line_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::supervisor::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Words, ArePartedByBlanks) {
  EXPECT_THAT(split_words("  restart\tweb  jobs:1\r\n").value(),
              ElementsAre("restart", "web", "jobs:1"));
  EXPECT_THAT(split_words(" \t ").value(), IsEmpty());
}

TEST(Words, KeepBlanksInQuotes) {
  EXPECT_THAT(split_words("-c 'my file.toml' a\"b c\"d ''").value(),
              ElementsAre("-c", "my file.toml", "ab cd", ""));
  EXPECT_EQ(split_words("tail 'web").error(), "no closing ' in the line");
}

class CompletionTest : public ::testing::Test {
 protected:
  Completion at(std::string_view line) { return complete(line, commands_, names_); }

  const std::vector<std::string> commands_{"start", "status", "stop", "tail"};
  const std::vector<std::string> names_{"web", "web:0", "jobs"};
};

TEST_F(CompletionTest, TheFirstWordIsACommand) {
  EXPECT_THAT(at("").candidates, ElementsAre("start", "status", "stop", "tail"));
  EXPECT_THAT(at("sta").candidates, ElementsAre("start", "status"));
  EXPECT_EQ(at("s").rest, "t");
  EXPECT_EQ(at("sta").rest, "");
  EXPECT_EQ(at("  ta").rest, "il ");
  EXPECT_THAT(at("x").candidates, IsEmpty());
}

TEST_F(CompletionTest, OthersAreNames) {
  EXPECT_EQ(at("stop j").rest, "obs ");
  EXPECT_THAT(at("stop w").candidates, ElementsAre("web", "web:0"));
  EXPECT_EQ(at("stop jobs w").rest, "eb");
  EXPECT_THAT(at("help t").candidates, ElementsAre("tail"));
}

}  // namespace
}  // namespace reeve::supervisor::ctl
