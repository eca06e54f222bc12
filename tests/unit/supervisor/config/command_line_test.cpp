#include "supervisor/config/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Words = std::vector<std::string>;

/// The command, when it is a `T`.
template <class T>
T command(const Words& words) {
  const auto parsed = parse_command_line(words);
  if (!parsed) {
    ADD_FAILURE() << parsed.error();
    return {};
  }
  EXPECT_TRUE(std::holds_alternative<T>(*parsed));
  return std::holds_alternative<T>(*parsed) ? std::get<T>(*parsed) : T{};
}

std::string error(const Words& words) {
  const auto parsed = parse_command_line(words);
  return parsed ? "no error" : parsed.error();
}

TEST(CommandLine, RunsAFile) {
  EXPECT_EQ(command<RunFile>({"run", "-c", "x.toml"}).path, "x.toml");
  EXPECT_EQ(command<RunFile>({"run", "--config", "x.toml"}).path, "x.toml");
  EXPECT_EQ(command<RunFile>({"run", "--config=x.toml"}).path, "x.toml");
}

TEST(CommandLine, RunsACommand) {
  const QuickOptions options =
      command<RunQuick>({"run", "--listen", ":8000", "--listen", ":8001", "--workers", "4",
                         "--ready", "notify", "--", "web", "--fd", "3"})
          .options;
  EXPECT_THAT(options.listen, ElementsAre(":8000", ":8001"));
  EXPECT_EQ(options.workers, "4");
  EXPECT_EQ(options.ready, "notify");
  EXPECT_THAT(options.command, ElementsAre("web", "--fd", "3"));
}

TEST(CommandLine, CommandAloneIsEnough) {
  const QuickOptions options = command<RunQuick>({"run", "--", "consumer"}).options;
  EXPECT_THAT(options.listen, IsEmpty());
  EXPECT_EQ(options.workers, "1");
  EXPECT_EQ(options.ready, "started");
}

TEST(CommandLine, LeavesTheCommandAlone) {
  EXPECT_THAT(command<RunQuick>({"run", "--", "check", "-h", "--", "-c", "x"}).options.command,
              ElementsAre("check", "-h", "--", "-c", "x"));
}

TEST(CommandLine, ChecksAFile) { EXPECT_EQ(command<CheckFile>({"check", "-c", "x"}).path, "x"); }

TEST(CommandLine, TellsItsVersion) {
  EXPECT_EQ(command<ShowText>({"version"}).text, "reeve 0.1.0\n");
  EXPECT_EQ(command<ShowText>({"--version"}).text, "reeve 0.1.0\n");
}

TEST(CommandLine, HelpShowsBothFormsAndExamples) {
  EXPECT_THAT(command<ShowText>({"run", "--help"}).text,
              AllOf(HasSubstr("Usage: reeve run -c FILE\n"), HasSubstr("-- COMMAND [ARGUMENT]..."),
                    HasSubstr("--listen ADDR"), HasSubstr("Examples:\n  reeve run -c "),
                    HasSubstr("3 a pool is FATAL")));
  EXPECT_THAT(command<ShowText>({"check", "-h"}).text, HasSubstr("Usage: reeve check -c FILE\n"));
  EXPECT_THAT(command<ShowText>({"--help"}).text,
              AllOf(HasSubstr("\nCommands:\n"), HasSubstr("  run "), HasSubstr("  check "),
                    HasSubstr("  version ")));
}

TEST(CommandLine, NothingToRunNamesBothForms) {
  const std::string both =
      "what is to run? Give a file, `reeve run -c FILE`, or a command, `reeve run --listen ADDR "
      "--workers N -- COMMAND` (`reeve run --help` tells more)";
  EXPECT_EQ(error({"run"}), both);
  EXPECT_EQ(error({"run", "--"}), both);
  EXPECT_EQ(error({"run", "--listen", ":8000"}), both);
}

TEST(CommandLine, FileAndCommandExcludeEachOther) {
  const std::string both =
      "-c cannot be combined with --listen, --workers, --ready or a command: the file says all of "
      "that (`reeve run --help` tells more)";
  EXPECT_EQ(error({"run", "-c", "x", "--workers", "2"}), both);
  EXPECT_EQ(error({"run", "-c", "x", "--", "web"}), both);
}

TEST(CommandLine, ForgottenDashesAreNamed) {
  EXPECT_EQ(
      error({"run", "--listen", ":8000", "python3", "app.py"}),
      "unexpected argument \"python3\"; a command goes after \"--\" (`reeve run --help` tells "
      "more)");
}

TEST(CommandLine, MistypedWordsAreSuggested) {
  EXPECT_EQ(
      error({"run", "--workrs", "3", "--", "web"}),
      "unexpected argument \"--workrs\" (did you mean \"--workers\"?) (`reeve run --help` tells "
      "more)");
  EXPECT_EQ(error({"chekc"}),
            "unexpected argument \"chekc\" (did you mean \"check\"?) (`reeve --help` tells more)");
  EXPECT_EQ(error({"check", "--listen", ":1"}),
            "unexpected argument \"--listen\" (`reeve check --help` tells more)");
}

TEST(CommandLine, SaysWhatIsMissing) {
  EXPECT_EQ(error({}), "which command? run, check or version (`reeve --help` tells more)");
  EXPECT_EQ(error({"check"}),
            "which file? `reeve check -c FILE` (`reeve check --help` tells more)");
  EXPECT_EQ(error({"run", "-c"}),
            "--config: 1 required FILE missing (`reeve run --help` tells more)");
  EXPECT_EQ(error({"check", "-c", "x", "--", "web"}),
            "only `reeve run` takes a command after \"--\" (`reeve check --help` tells more)");
}

}  // namespace
}  // namespace reeve::supervisor
