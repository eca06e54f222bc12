// An upgrade that cannot be: nothing changes, and whoever asked reads why.

#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "tests/e2e/upgrade_fixture.hpp"

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class UpgradeRefused : public UpgradeTest {
 protected:
  /// What `reevectl upgrade` says, after proof that nothing has changed and that a good binary is
  /// still welcome.
  std::string refused(Reeve& reeve) {
    const auto pids = reeve.pids();
    const auto verdict = upgrade(reeve);
    EXPECT_FALSE(verdict.ok);
    EXPECT_EQ(verdict.code, "refused");
    EXPECT_THAT(verdict.text, HasSubstr("nothing has changed"));
    EXPECT_EQ(reeve.pids(), pids);
    EXPECT_TRUE(judge(reeve.get("/")));
    return verdict.text;
  }
  std::string refused_with(Reeve& reeve, std::string_view script) {
    (void)dir.write_program("other", script);
    install(dir / "other");
    return refused(reeve);
  }
};

TEST_F(UpgradeRefused, WithoutAFile) {
  Reeve& reeve = start_copy(hello_pool(1));
  std::filesystem::remove(program());
  EXPECT_THAT(refused(reeve), AllOf(HasSubstr(program()), HasSubstr("No such file")));
  install(binary("reeve"));
  EXPECT_TRUE(upgrade(reeve).ok);
}

TEST_F(UpgradeRefused, ByAProgramThatFails) {
  Reeve& reeve = start_copy(hello_pool(1));
  EXPECT_THAT(refused_with(reeve, "#!/bin/sh\nexit 3\n"), HasSubstr("exited with code 3"));
  const Finished command = reeve.ctl({"upgrade"});
  EXPECT_EQ(command.code(), 1);
  EXPECT_THAT(command.output, HasSubstr("exited with code 3"));
  install(binary("reeve"));
  EXPECT_TRUE(upgrade(reeve).ok);
}

TEST_F(UpgradeRefused, ByAProgramThatSaysWhy) {
  Reeve& reeve = start_copy(hello_pool(1));
  EXPECT_THAT(refused_with(reeve, "#!/bin/sh\necho 'this version reads format 7' >&2\nexit 2\n"),
              AllOf(HasSubstr("exited with code 2"), HasSubstr("this version reads format 7")));
}

TEST_F(UpgradeRefused, ByAProgramThatIsNoReeve) {
  Reeve& reeve = start_copy(hello_pool(1));
  EXPECT_THAT(refused_with(reeve, "#!/bin/sh\nexit 0\n"),
              HasSubstr("does not know how to take over"));
}

TEST_F(UpgradeRefused, ByHalfAFile) {
  Reeve& reeve = start_copy(hello_pool(1));
  const std::string whole = read_file(binary("reeve"));
  EXPECT_THAT(refused_with(reeve, whole.substr(0, 64 << 10)), HasSubstr("cannot take over"));
  EXPECT_THAT(refused_with(reeve, whole.substr(0, 40)), HasSubstr("exec: Exec format error"));
}

/// The trial passes, since the script executes the real one; the master itself cannot become a
/// script by its descriptor.
TEST_F(UpgradeRefused, WhenTheExecItselfFails) {
  Reeve& reeve = start_copy(hello_pool(1));
  EXPECT_THAT(refused_with(reeve, "#!/bin/sh\nexec " + binary("reeve") + " \"$@\"\n"),
              HasSubstr("exec the new binary"));
  install(binary("reeve"));
  EXPECT_TRUE(upgrade(reeve).ok);
}

TEST_F(UpgradeRefused, ByAConfigurationWithErrors) {
  Reeve& reeve = start_copy(hello_pool(1));
  reeve.configure(hello_pool(1) + "nonsense = 1\n");
  EXPECT_THAT(refused(reeve), AllOf(HasSubstr("reeve.toml:"), HasSubstr("nonsense")));
  reeve.configure(hello_pool(1));
  EXPECT_TRUE(upgrade(reeve).ok);
}

TEST_F(UpgradeRefused, WhileACommandRuns) {
  (void)dir.write_program("service", expand("#!/bin/sh\n"
                                            "[ -e @dir@/slow ] && read line < @dir@/fifo\n"
                                            "exec @hello@\n",
                                            dir));
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  Reeve& reeve =
      start_copy(pool("web", R"(["@dir@/service"])", "workers = 1\nlisten = [\"http\"]"));
  (void)dir.write("slow", "");
  const auto roll = reeve.start_ctl({"restart", "web"});
  ASSERT_TRUE(reeve.logs("(generation 2)"));
  EXPECT_THAT(refused(reeve), AllOf(HasSubstr("web"), HasSubstr("try again when it is done")));
  std::ofstream(dir / "fifo") << "go on" << std::endl;
  ASSERT_TRUE(roll->wait());
  EXPECT_TRUE(upgrade(reeve).ok);
}

TEST_F(UpgradeRefused, BySignalIsSaidInTheLog) {
  Reeve& reeve = start_copy(hello_pool(1));
  std::filesystem::remove(program());
  reeve.master().signal(SIGUSR2);
  EXPECT_TRUE(reeve.logs("upgrade: open " + program()));
  EXPECT_TRUE(judge(reeve.get("/")));
}

}  // namespace
}  // namespace reeve::e2e
