// reevectl called bare: a shell whose lines are command lines of reevectl.

#include <fmt/format.h>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class InteractiveShell : public ReeveTest {
 protected:
  /// reevectl with `lines` on its stdin.
  Finished shell(const Reeve& reeve, const std::string& lines) {
    const auto input = dir.write("lines", lines);
    return run({.argv = {"/bin/sh", "-c", "exec \"$0\" -s \"$1\" < \"$2\"", binary("reevectl"),
                         reeve.control_socket(), input.string()}},
               dir, "shell");
  }
};

TEST_F(InteractiveShell, CarriesOutEachLineAndGoesOnAfterAnError) {
  Reeve& reeve = start_ready("[pool.web]\ncommand = [\"@hello@\"]\nlisten = [\"http\"]\n");
  const int before = reeve.pid("web:0");
  const Finished ended =
      shell(reeve, "pid web:0\n\n  stauts\nrestart 'web\nrestart web\nstop nosuch\npid\n");
  EXPECT_EQ(ended.code(), 0);
  EXPECT_THAT(ended.output, HasSubstr(fmt::format("{}\n", before)));
  EXPECT_THAT(ended.output, HasSubstr("web: restarted"));
  EXPECT_THAT(ended.output, HasSubstr(fmt::format("{}\n", reeve.master().pid())));
  EXPECT_THAT(ended.output, Not(HasSubstr("reevectl> "))) << "a prompt is for a terminal";
  EXPECT_THAT(ended.errors, HasSubstr("no command \"stauts\" (did you mean \"status\"?)"));
  EXPECT_THAT(ended.errors, HasSubstr("no closing ' in the line"));
  EXPECT_NE(reeve.pid("web:0"), before);
}

TEST_F(InteractiveShell, EndsWhenItIsTold) {
  Reeve& reeve = start_ready("[pool.web]\ncommand = [\"@hello@\"]\nlisten = [\"http\"]\n");
  for (const char* word : {"exit", "quit"}) {
    const Finished ended = shell(reeve, std::string(word) + "\npid\n");
    EXPECT_EQ(ended.code(), 0);
    EXPECT_EQ(ended.output, "");
  }
}

TEST_F(InteractiveShell, SaysThatThereIsNoMaster) {
  const auto input = dir.write("lines", "status\nhelp\n");
  const Finished ended =
      run({.argv = {"/bin/sh", "-c", "exec \"$0\" -s \"$1\" < \"$2\"", binary("reevectl"),
                    (dir.path() / "none.sock").string(), input.string()}},
          dir, "shell");
  EXPECT_EQ(ended.code(), 0);
  EXPECT_THAT(ended.errors, HasSubstr("no such file"));
  EXPECT_THAT(ended.output, HasSubstr("deploy"));
}

}  // namespace
}  // namespace reeve::e2e
