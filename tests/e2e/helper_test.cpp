// The helper of the master: what hangs, hangs there, and it holds and may nothing that it does not
// need.

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string read_proc(pid_t pid, std::string_view name) {
  std::ifstream file(fmt::format("/proc/{}/{}", pid, name));
  return {std::istreambuf_iterator<char>(file), {}};
}

class HelperProcess : public ReeveTest {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a sanitizer wants to be loaded first";
#endif
    std::filesystem::copy_file(binary("slow_users.so"), library_);
  }

  /// A pool with a user, whom the file names.
  Reeve& start_app() {
    return start_ready(pool("app", R"(["/bin/sleep", "1000"])",
                            fmt::format("ready = {{ after = \"0ms\" }}\nuser = \"{}\"\n", user_)),
                       {{"LD_PRELOAD", library_}, {"SECRET", "of the master"}});
  }
  /// A helper that starts from now on gets no answer from the name service, until release().
  void hang() const { ASSERT_EQ(::mkfifo((library_ + ".gate").c_str(), 0666), 0); }
  void release() const { std::ofstream(library_ + ".gate") << std::endl; }

  static pid_t helper_of(Reeve& reeve) {
    for (const ProcessInfo& each : descendants(reeve.master().pid())) {
      if (each.state != 'Z' && read_proc(each.pid, "comm") == "reeve: helper\n") return each.pid;
    }
    return 0;
  }

  const std::string user_ = ::getpwuid(::geteuid())->pw_name;
  const std::string library_ = dir / "slow_users.so";
};

TEST_F(HelperProcess, AHangingNameServiceDelaysNobodyElse) {
  Reeve& reeve = start_app();
  EXPECT_EQ(helper_of(reeve), 0) << "nothing has needed it";
  hang();
  const auto reread = reeve.start_ctl({"reread"});
  const auto update = reeve.start_ctl({"update"});
  const auto deploy = reeve.start_ctl({"deploy", "app"});
  ASSERT_TRUE(eventually([&] { return helper_of(reeve) != 0; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(reeve.slot("app:0").state, "RUNNING");
  for (const auto* waiting : {&reread, &update, &deploy}) {
    EXPECT_FALSE((*waiting)->watch().ended()) << (*waiting)->output() << (*waiting)->errors();
  }
  release();
  for (const auto* waiting : {&reread, &update, &deploy}) {
    EXPECT_EQ((*waiting)->wait(), Exit{.code = 0}) << (*waiting)->errors();
  }
  EXPECT_THAT(reread->output(), HasSubstr("No config updates"));
  EXPECT_EQ(reeve.slot("app:0").generation, 2U);
}

TEST_F(HelperProcess, OneThatDoesNotAnswerIsNamedAndReplaced) {
  Reeve& reeve = start_app();
  hang();
  const Finished late = reeve.ctl({"update"});
  EXPECT_NE(late.code(), 0);
  EXPECT_THAT(
      late.output + late.errors,
      HasSubstr(fmt::format("pool.app.user: cannot look up \"{}\": the name service did not "
                            "answer within 5 s",
                            user_)));
  std::filesystem::remove(library_ + ".gate");
  const Finished reread = reeve.ctl({"reread"});
  EXPECT_THAT(reread.output, HasSubstr("No config updates")) << reread.errors;
}

TEST_F(HelperProcess, OneThatWasKilledIsReplaced) {
  Reeve& reeve = start_app();
  EXPECT_EQ(reeve.ctl({"reread"}).code(), 0);
  const pid_t first = helper_of(reeve);
  ASSERT_NE(first, 0);
  Watch(first).signal(SIGKILL);
  ASSERT_TRUE(reeve.logs(fmt::format("the helper (pid {}) has ended", first)));
  EXPECT_THAT(reeve.ctl({"reread"}).output, HasSubstr("No config updates"));
  EXPECT_NE(helper_of(reeve), 0);
  EXPECT_NE(helper_of(reeve), first);
  EXPECT_EQ(reeve.count("RUNNING"), 1) << "it is no worker";
}

TEST_F(HelperProcess, HoldsAndMayNothingThatItDoesNotNeed) {
  Reeve& reeve = start_app();
  EXPECT_EQ(reeve.ctl({"reread"}).code(), 0);
  const pid_t helper = helper_of(reeve);
  ASSERT_NE(helper, 0);
  EXPECT_EQ(read_proc(helper, "cmdline"), std::string("reeve: helper") + '\0');
  EXPECT_THAT(read_proc(helper, "status"), HasSubstr("NoNewPrivs:\t1"));
  EXPECT_EQ(::getpgid(helper), helper) << "the terminal's signals are not for it";
  if (::geteuid() != 0) return;  // It lets nobody look.
  EXPECT_THAT(read_proc(helper, "status"),
              AllOf(HasSubstr("Uid:\t65534\t65534\t65534\t65534"), HasSubstr("Groups:\t \n")));
  EXPECT_THAT(read_proc(helper, "environ"), AllOf(HasSubstr("PATH="), Not(HasSubstr("SECRET"))));
  for (const auto& fd : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", helper))) {
    const std::string target = std::filesystem::read_symlink(fd).string();
    const bool is_socket = fd.path().filename() == "0" && target.starts_with("socket:");
    EXPECT_TRUE(is_socket || target == "/dev/null") << fd.path() << ": " << target;
  }
}

TEST_F(HelperProcess, AnUpgradedMasterHasAnotherOne) {
  Reeve& reeve = start_app();
  EXPECT_EQ(reeve.ctl({"reread"}).code(), 0);
  const Watch before(helper_of(reeve));
  const Finished upgrade = reeve.ctl({"upgrade"});
  ASSERT_EQ(upgrade.code(), 0) << upgrade.output << upgrade.errors;
  EXPECT_TRUE(before.ended_within(kPatience));
  EXPECT_THAT(reeve.ctl({"reread"}).output, HasSubstr("No config updates"));
  EXPECT_NE(helper_of(reeve), 0);
  const int worker = reeve.pid("app:0");
  Watch(worker).signal(SIGKILL);
  EXPECT_TRUE(eventually([&] {
    return reeve.slot("app:0").state == "RUNNING" && reeve.pid("app:0") != worker;
  })) << "who its workers run as was handed over";
}

}  // namespace
}  // namespace reeve::e2e
