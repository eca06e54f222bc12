// What stops a master from starting: one clear message that names the thing, and the right exit
// code.

#include <fmt/format.h>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/sockets.hpp"

namespace reeve::e2e {
namespace {

using Refusals = ReeveTest;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr int kBadConfiguration = 2;
constexpr int kAnotherMaster = 4;

/// `reeve` with these words, run to its end.
Finished reeve(std::vector<std::string> words, const TempDir& dir) {
  words.insert(words.begin(), binary("reeve"));
  return run({.argv = std::move(words)}, dir, "reeve");
}

class RefusedConfig : public ReeveTest {
 protected:
  /// `reeve run -c` with a whole configuration that must be refused.
  Finished refused(std::string_view toml) {
    const auto file = dir.write("bad.toml", expand(toml, dir));
    return reeve({"run", "-c", file.string()}, dir);
  }
  static constexpr std::string_view kSupervisor = "[supervisor]\nruntime_dir = \"@dir@/run\"\n";
  static std::string with_supervisor(std::string_view rest) {
    return std::string(kSupervisor) + std::string(rest);
  }
};

TEST_F(RefusedConfig, BrokenTomlIsLocated) {
  const Finished verdict = refused("[pool.web]\ncommand = [\"@hello@\"\nworkers = 2\n");
  EXPECT_EQ(verdict.code(), kBadConfiguration);
  EXPECT_THAT(verdict.errors, ContainsRegex("bad.toml:[0-9]+:[0-9]+"));
}

TEST_F(RefusedConfig, EveryErrorIsReportedAtOnce) {
  const Finished verdict = refused(with_supervisor(R"([listen.http]
address = "127.0.0.1:0"
[pool.web]
command = ["@hello@"]
worker = 2
listen = ["htpp"]
grace = "soon"
)"));
  EXPECT_EQ(verdict.code(), kBadConfiguration);
  EXPECT_THAT(verdict.errors, ContainsRegex("bad.toml:7:[0-9]+:[^\n]*worker"));
  EXPECT_THAT(verdict.errors, HasSubstr("workers")) << "the key that was meant";
  EXPECT_THAT(verdict.errors, ContainsRegex("htpp[^\n]*http")) << "the listener that was meant";
  EXPECT_THAT(verdict.errors, HasSubstr("grace"));
}

TEST_F(RefusedConfig, AMissingFileIsNamed) {
  const Finished verdict = reeve({"run", "-c", (dir / "none.toml").string()}, dir);
  EXPECT_EQ(verdict.code(), kBadConfiguration);
  EXPECT_THAT(verdict.errors, HasSubstr("none.toml"));
}

TEST_F(RefusedConfig, AMissingCommandIsNamed) {
  const Finished verdict =
      refused(with_supervisor("[pool.web]\ncommand = [\"/no/such/program\"]\n"));
  EXPECT_EQ(verdict.code(), kBadConfiguration);
  EXPECT_THAT(verdict.errors, HasSubstr("/no/such/program"));
  EXPECT_THAT(verdict.errors, ContainsRegex("[Nn]o such|not found"));
}

TEST_F(RefusedConfig, WhatThisMachineLacksIsNamedAtOnce) {
  dir.write("bad.env", "A=1\nnothing\n");
  const Finished verdict = refused(with_supervisor(R"([pool.web]
command = ["@hello@"]
user = "no-such-user"
env_file = "bad.env"
required_env = ["REEVE_T_MISSING"]
after = ["web"]
)"));
  EXPECT_EQ(verdict.code(), kBadConfiguration);
  EXPECT_THAT(verdict.errors, HasSubstr("no user \"no-such-user\" on this machine"));
  EXPECT_THAT(verdict.errors, HasSubstr("bad.env\": line 2: no '=' after the name"));
  EXPECT_THAT(verdict.errors, HasSubstr("not set: REEVE_T_MISSING"));
  EXPECT_THAT(verdict.errors, HasSubstr("a pool cannot wait for itself"));
}

TEST_F(RefusedConfig, APortInUseIsNamed) {
  const auto taken = listen_on_loopback();
  const std::string address = fmt::format("127.0.0.1:{}", port_of(taken.get()));
  const Finished verdict = refused(
      with_supervisor(fmt::format("[listen.http]\naddress = \"{}\"\n{}", address, hello_pool(1))));
  EXPECT_EQ(verdict.code(), kBadConfiguration);
  EXPECT_THAT(verdict.errors, HasSubstr(address));
  EXPECT_THAT(verdict.errors, HasSubstr("in use"));
}

TEST_F(RefusedConfig, ARuntimeDirectoryThatCannotBeMadeIsNamed) {
  (void)dir.write("file", "");
  const Finished verdict = refused(
      "[supervisor]\nruntime_dir = \"@dir@/file/run\"\n[listen.http]\naddress = "
      "\"127.0.0.1:0\"\n" +
      hello_pool(1));
  EXPECT_EQ(verdict.code(), kBadConfiguration);
  EXPECT_THAT(verdict.errors, HasSubstr((dir / "file/run").string()));
}

TEST_F(RefusedConfig, AnInheritedListenerThatIsNotThereIsNamed) {
  const Finished verdict =
      refused(with_supervisor("[listen.http]\naddress = \"systemd:http\"\n" + hello_pool(1)));
  EXPECT_EQ(verdict.code(), kBadConfiguration);
  EXPECT_THAT(verdict.errors, HasSubstr("http"));
}

TEST_F(Refusals, ASecondMasterIsTurnedAwayAndTheFirstServesOn) {
  Reeve& first = start_ready(hello_pool(1));
  (void)dir.write("second.toml", expand("[supervisor]\nruntime_dir = \"@dir@/run\"\n" +
                                            pool("jobs", R"(["/bin/sleep", "1000"])"),
                                        dir));
  const Finished second = reeve({"run", "-c", (dir / "second.toml").string()}, dir);
  EXPECT_EQ(second.code(), kAnotherMaster);
  EXPECT_THAT(second.errors, HasSubstr((dir / "run").string()));
  EXPECT_THAT(second.errors, HasSubstr(std::to_string(first.master().pid())));
  EXPECT_TRUE(first.get("/"));
  EXPECT_EQ(first.status().size(), 1U) << "its control socket was not taken over";
}

TEST_F(Refusals, CheckFindsTheSameErrorsAndStartsNothing) {
  (void)dir.write("good.toml",
                  expand("[listen.http]\naddress = \"127.0.0.1:0\"\n" + hello_pool(1), dir));
  (void)dir.write("bad.toml", expand(hello_pool(1, "gracee = \"1s\""), dir));
  EXPECT_EQ(reeve({"check", "-c", (dir / "good.toml").string()}, dir).code(), 0);
  const Finished bad = reeve({"check", "-c", (dir / "bad.toml").string()}, dir);
  EXPECT_EQ(bad.code(), kBadConfiguration);
  EXPECT_THAT(bad.errors + bad.output, ContainsRegex("gracee[^\n]*grace"));
}

TEST_F(Refusals, ABadCommandLineIsExplained) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"rnu"}, {"run", "--no-such-option"}, {"run", "--workers", "2"}}) {
    const Finished verdict = reeve(words, dir);
    EXPECT_EQ(verdict.code(), kBadConfiguration) << ::testing::PrintToString(words);
    EXPECT_FALSE((verdict.errors + verdict.output).empty()) << ::testing::PrintToString(words);
  }
}

TEST_F(Refusals, VersionAndHelpSucceed) {
  const Finished version = reeve({"version"}, dir);
  EXPECT_EQ(version.code(), 0);
  EXPECT_THAT(version.output, ContainsRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  const Finished help = reeve({"--help"}, dir);
  EXPECT_EQ(help.code(), 0);
  EXPECT_THAT(help.output, HasSubstr("run"));
}

}  // namespace
}  // namespace reeve::e2e
