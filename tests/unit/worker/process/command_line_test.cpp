#include "worker/process/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace reeve::worker {
namespace {

using ::testing::HasSubstr;

std::expected<CommandLine, std::string> parse(std::initializer_list<const char*> arguments) {
  return parse_command_line(std::vector<const char*>(arguments));
}

TEST(CommandLine, TakesSeveralAddressesInBothForms) {
  const auto line = parse({"--listen", "127.0.0.1:8000", "--listen=unix:/run/x.sock"});
  ASSERT_TRUE(line) << line.error();
  ASSERT_EQ(line->listen.size(), 2U);
  EXPECT_EQ(line->listen[0].port, 8000);
  EXPECT_EQ(line->listen[1].path, "/run/x.sock");
  EXPECT_FALSE(line->help);
}

TEST(CommandLine, NothingIsFine) { EXPECT_TRUE(parse({})->listen.empty()); }

TEST(CommandLine, AsksForHelp) {
  EXPECT_TRUE(parse({"--help"})->help);
  EXPECT_TRUE(parse({"-h"})->help);
}

TEST(CommandLine, SaysWhatIsWrong) {
  EXPECT_THAT(parse({"--listen"}).error(), HasSubstr("needs an address"));
  EXPECT_THAT(parse({"--listen", "nowhere"}).error(), HasSubstr("nowhere"));
  EXPECT_THAT(parse({"--listen", "systemd:http"}).error(), HasSubstr("inherited"));
  EXPECT_THAT(parse({"--listne", "x"}).error(), HasSubstr("--listne"));
  EXPECT_THAT(parse({"--listening=x"}).error(), HasSubstr("--listening=x"));
}

}  // namespace
}  // namespace reeve::worker
