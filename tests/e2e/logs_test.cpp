// What workers write: prefixed, whole, kept in order, shown by tail, and never able to block
// anybody.

#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class Logs : public ReeveTest {
 protected:
  /// A worker "app:0" that runs a shell script. The script may wait for release(): `read x <
  /// @dir@/go`.
  Reeve& start_script(std::string_view script) {
    if (::mkfifo((dir / "go").c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    (void)dir.write_program("script", expand("#!/bin/bash\n" + std::string(script), dir));
    return start(
        pool("app", R"(["@dir@/script"])", "ready = { after = \"0ms\" }\nrestart = \"never\""));
  }
  void release() { std::ofstream(dir / "go") << std::endl; }
};

TEST_F(Logs, EachLineNamesItsSlotAndStream) {
  Reeve& reeve = start_script("echo to stdout; echo to stderr >&2; exec sleep 1000");
  ASSERT_TRUE(reeve.logs("to stdout"));
  ASSERT_TRUE(reeve.logs("to stderr"));
  EXPECT_THAT(reeve.log(), ContainsRegex("app[^\n]*to stdout"));
  EXPECT_THAT(reeve.log(), ContainsRegex("app[^\n]*to stderr"));
}

TEST_F(Logs, ALineWrittenInPiecesIsOneLine) {
  Reeve& reeve = start_script(
      "printf 'first half, '; read x < @dir@/go; echo second half\n"
      "exec sleep 1000");
  release();
  EXPECT_TRUE(reeve.logs("first half, second half"));
}

TEST_F(Logs, TheLastWordsWithoutANewlineAreNotLost) {
  Reeve& reeve = start_script("printf 'famous last words'; exit 3");
  EXPECT_TRUE(reeve.logs("famous last words"));
}

TEST_F(Logs, LastWordsComeBeforeTheNewsOfTheDeath) {
  Reeve& reeve = start_script("echo 'out of cheese'; exit 42");
  ASSERT_TRUE(reeve.becomes("app:0", "EXITED"));
  ASSERT_TRUE(reeve.logs("exited with code 42"));
  const std::string log = reeve.log();
  EXPECT_LT(log.find("out of cheese"), log.find("exited with code 42"));
}

TEST_F(Logs, AFloodBlocksAndKillsNobody) {
  if (::mkfifo((dir / "go").c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
  Reeve& reeve = start_ready(
      hello_pool(1) +
      pool(
          "noise",
          R"(["/bin/sh", "-c", "read x < @dir@/go; yes flooding the log | head -n 100000; echo the flood is over; exec sleep 1000"])",
          "ready = { after = \"0ms\" }"));
  const int noise = reeve.pid("noise:0");
  release();
  ASSERT_TRUE(reeve.logs("flooding the log"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(judge(reeve.get("/")));
    EXPECT_EQ(reeve.status().size(), 2U) << "the control socket answers meanwhile";
  }
  EXPECT_TRUE(reeve.logs("the flood is over"));
  EXPECT_EQ(reeve.pid("noise:0"), noise);
  EXPECT_EQ(reeve.slot("noise:0").state, "RUNNING");
}

TEST_F(Logs, AnEndlessLineHurtsNobody) {
  Reeve& reeve =
      start_script("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo after it; exec sleep 1000");
  EXPECT_TRUE(reeve.logs("after it"));
  EXPECT_EQ(reeve.slot("app:0").state, "RUNNING");
}

TEST_F(Logs, BytesThatAreNoTextDoNoHarm) {
  Reeve& reeve = start_script(
      "printf '\\377\\376\\000 \\033[2J bell\\007\\n'; echo after it\n"
      "exec sleep 1000");
  ASSERT_TRUE(reeve.logs("after it"));
  const Finished tail = reeve.ctl({"--json", "tail", "app:0"});
  EXPECT_EQ(tail.code(), 0);
  EXPECT_THAT(tail.output, HasSubstr("after it"));
}

TEST_F(Logs, TailShowsTheEnd) {
  Reeve& reeve = start_script("for i in $(seq 1 500); do echo line $i; done; exec sleep 1000");
  ASSERT_TRUE(reeve.logs("line 500"));
  const Finished tail = reeve.ctl({"tail", "app:0"});
  EXPECT_EQ(tail.code(), 0);
  EXPECT_THAT(tail.output, HasSubstr("line 500"));
  EXPECT_THAT(tail.output, Not(HasSubstr("line 1\n")));

  const Finished little = reeve.ctl({"tail", "-20", "app:0"});
  EXPECT_EQ(little.code(), 0);
  EXPECT_THAT(little.output, HasSubstr("line 500"));
  EXPECT_LE(little.output.size(), 40U);
}

TEST_F(Logs, TailFollows) {
  Reeve& reeve = start_script("echo before; read x < @dir@/go; echo after; exec sleep 1000");
  ASSERT_TRUE(reeve.logs("before"));
  const auto tail = reeve.start_ctl({"tail", "-f", "app:0"});
  ASSERT_TRUE(eventually([&] { return tail->output().contains("before"); }));
  EXPECT_THAT(tail->output(), Not(HasSubstr("after")));
  release();
  EXPECT_TRUE(eventually([&] { return tail->output().contains("after"); }));
  tail->signal(SIGINT);
  EXPECT_TRUE(tail->wait());
  EXPECT_EQ(reeve.slot("app:0").state, "RUNNING");
}

TEST_F(Logs, APromptReachesWhoeverFollows) {
  Reeve& reeve =
      start_script("echo before; printf 'Password: '; read x < @dir@/go; echo ok; exec sleep 1000");
  ASSERT_TRUE(reeve.logs("before"));
  const auto tail = reeve.start_ctl({"tail", "-f", "app:0"});
  EXPECT_TRUE(eventually([&] { return tail->output().ends_with("before\nPassword: "); }));
  EXPECT_THAT(reeve.log(), Not(HasSubstr("Password")));
  release();
  EXPECT_TRUE(eventually([&] { return tail->output().ends_with("before\nPassword: ok\n"); }));
  EXPECT_TRUE(reeve.logs("Password: ok"));
}

TEST_F(Logs, ReadinessIsFoundInColoursAndWithoutALineEnd) {
  (void)dir.write_program("script",
                          "#!/bin/sh\nprintf '\\033[32mREA\\033[0mDY> '\nexec sleep 1000\n");
  Reeve& reeve = start(pool("app", R"(["@dir@/script"])", "ready = { log = \"^READY>\" }\n"));
  EXPECT_TRUE(reeve.ready());
}

TEST_F(Logs, ALongLineOfJsonStaysWhole) {
  Reeve& reeve = start_script(
      "printf '{\"text\":\"'; head -c 60000 /dev/zero | tr '\\0' x; printf '\"}\\n'; exec sleep "
      "1000");
  EXPECT_TRUE(reeve.logs("{\"text\":\"" + std::string(60000, 'x') + "\"}\n"));
}

TEST_F(Logs, ALineThatIsTooLongGoesOn) {
  (void)dir.write_program(
      "script", "#!/bin/sh\nhead -c 1500 /dev/zero | tr '\\0' x; echo y; exec sleep 1000\n");
  Reeve& reeve = start("[supervisor]\nruntime_dir = \"@dir@/run\"\nlog.max_line = \"1KiB\"\n" +
                       pool("app", R"(["@dir@/script"])", "ready = \"started\"\n"));
  EXPECT_TRUE(reeve.logs(std::string(1024, 'x') + "\n"));
  EXPECT_TRUE(reeve.logs("| " + std::string(476, 'x') + "y\n"));
}

TEST_F(Logs, AFollowerThatDoesNotReadStopsNobody) {
  Reeve& reeve = start_script(
      "read x < @dir@/go; yes flooding the log | head -n 100000\n"
      "echo the flood is over; exec sleep 1000");
  ASSERT_TRUE(reeve.becomes("app:0", "RUNNING"));
  const auto tail = reeve.start_ctl({"tail", "-f", "app:0"});
  tail->signal(SIGSTOP);
  release();
  EXPECT_TRUE(reeve.logs("the flood is over"));
  EXPECT_EQ(reeve.slot("app:0").state, "RUNNING");
}

TEST_F(Logs, AFollowerThatReadsSlowlyMissesLinesAndIsTold) {
  Reeve& reeve = start_script(
      "echo here; read x < @dir@/go; yes flooding the log | head -n 100000\n"
      "echo the flood is over; read x < @dir@/go; echo and on it goes; exec sleep 1000");
  ASSERT_TRUE(reeve.logs("here"));
  const auto tail = reeve.start_ctl({"tail", "-f", "app:0"});
  ASSERT_TRUE(eventually([&] { return tail->output().contains("here"); }));
  tail->signal(SIGSTOP);
  release();
  ASSERT_TRUE(reeve.logs("the flood is over"));
  tail->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return tail->output().contains(" lines left out)\n"); }));
  release();
  EXPECT_TRUE(eventually([&] { return tail->output().ends_with("and on it goes\n"); }));
}

TEST_F(Logs, FollowingEndsWithTheMaster) {
  Reeve& reeve = start_script("echo here; exec sleep 1000");
  ASSERT_TRUE(reeve.logs("here"));
  const auto tail = reeve.start_ctl({"tail", "-f", "app:0"});
  const auto main = reeve.start_ctl({"maintail", "-f"});
  const auto events = reeve.start_ctl({"events"});
  ASSERT_TRUE(eventually([&] { return tail->output().contains("here"); }));
  ASSERT_TRUE(eventually([&] { return main->output().contains("app: "); }));
  ASSERT_TRUE(eventually([&] {
    (void)reeve.ctl({"signal", "WINCH", "app:0"});  // Which does nothing to it.
    return events->output().contains("signalled");
  }));
  EXPECT_EQ(reeve.stop(3s), Exit{.code = 0}) << "a follower does not hold the master";
  for (const auto& follower : {tail.get(), main.get(), events.get()}) {
    EXPECT_EQ(follower->wait(), Exit{.code = 0}) << follower->errors();
  }
}

TEST_F(Logs, JsonLinesWhenAskedFor) {
  Reeve& reeve = start_ready(
      "[supervisor]\nruntime_dir = \"@dir@/run\"\n"
      "log = { level = \"info\", format = \"json\" }\n\n" +
      pool("app", R"(["/bin/sh", "-c", "echo 'a \"quoted\" word'; exec sleep 1000"])",
           "ready = { after = \"0ms\" }"));
  ASSERT_TRUE(reeve.logs("quoted"));
  std::istringstream lines(reeve.log());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with('{') && line.ends_with('}')) << line;
  }
  EXPECT_THAT(reeve.log(), HasSubstr(R"(a \"quoted\" word)"));
}

}  // namespace
}  // namespace reeve::e2e
