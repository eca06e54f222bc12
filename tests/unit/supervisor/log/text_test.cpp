// What cuts and keeps text: lines, tails, the readiness pattern.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "supervisor/log/line_splitter.hpp"
#include "supervisor/process/ready_log.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> lines_of(const std::vector<std::string>& parts, bool finish = true) {
  std::vector<std::string> lines;
  LineSplitter splitter([&lines](std::string_view line) { lines.emplace_back(line); });
  for (const std::string& part : parts) splitter.feed(part);
  if (finish) splitter.finish();
  return lines;
}

TEST(LineSplitter, JoinsALineThatArrivesInParts) {
  EXPECT_THAT(lines_of({"he", "llo\nwor", "ld\n"}), ElementsAre("hello", "world"));
}

TEST(LineSplitter, KeepsAnUnfinishedLineUntilTheEnd) {
  EXPECT_THAT(lines_of({"one\ntwo"}, false), ElementsAre("one"));
  EXPECT_THAT(lines_of({"one\ntwo"}), ElementsAre("one", "two"));
}

TEST(LineSplitter, KeepsEmptyLinesAndDropsCarriageReturns) {
  EXPECT_THAT(lines_of({"a\r\n\nb\rc\n"}), ElementsAre("a", "", "b\rc"));
}

TEST(LineSplitter, KeepsBytesThatAreNotUtf8) {
  EXPECT_THAT(lines_of({"\xff\xfe\n"}), ElementsAre("\xff\xfe"));
}

TEST(LineSplitter, GoesOnWithALineThatIsTooLong) {
  const std::string longest(LineSplitter::kDefaultLimit, 'x');
  EXPECT_THAT(lines_of({longest + "\n"}), ElementsAre(longest));
  EXPECT_THAT(lines_of({longest, "tail", longest, "\nnext\n"}),
              ElementsAre(longest, "tail" + longest.substr(4), "xxxx", "next"));
}

TEST(LineSplitter, CutsBetweenCharacters) {
  std::vector<std::string> lines;
  LineSplitter splitter([&lines](std::string_view line) { lines.emplace_back(line); },
                        {.partial = "", .limit = LineSplitter::kLeastLimit});
  const std::string most(LineSplitter::kLeastLimit - 2, 'x');
  splitter.feed(most + "€€\n" + std::string(LineSplitter::kLeastLimit + 1, '\x80') + "\n");
  EXPECT_THAT(lines,
              ElementsAre(most, "€€", std::string(LineSplitter::kLeastLimit, '\x80'), "\x80"));
}

TEST(ReadyLog, SearchesTheLine) {
  const ReadyLogMatcher matcher("startup complete|listening on .*:\\d+");
  EXPECT_TRUE(matcher.matches("INFO: Application startup complete."));
  EXPECT_TRUE(matcher.matches("listening on 0.0.0.0:80"));
  EXPECT_FALSE(matcher.matches("starting up"));
}

TEST(ReadyLog, SeesWhatATerminalShows) {
  const ReadyLogMatcher matcher("^ready in \\d+ ms$");
  EXPECT_TRUE(matcher.matches("\033[1;32mready\033[0m in \033[2m3\033[22m ms\033[K"));
  EXPECT_TRUE(matcher.matches("\033]0;a title\aready in 3 ms"));
  EXPECT_FALSE(matcher.matches("\033[32mnot ready in 3 ms"));
  EXPECT_FALSE(matcher.matches("\033["));
  EXPECT_FALSE(matcher.matches("\033"));
}

TEST(ReadyLog, SurvivesALongLine) {
  EXPECT_FALSE(ReadyLogMatcher("(a|b)*c").matches(std::string(8192, 'a')));
}

}  // namespace
}  // namespace reeve::supervisor
