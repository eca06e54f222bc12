// What the master does with more than usual: answers larger than a frame, more last words than it
// reads in one turn, and workers that were built for another version of it.

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <stdexcept>

#include "tests/e2e/harness/eventually.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

class Bounds : public ReeveTest {
 protected:
  /// [pool.app] of a shell script. The script may wait for release(): `read x < @dir@/go`.
  [[nodiscard]] std::string script_pool(std::string_view script, std::string_view more) {
    if (::mkfifo((dir / "go").c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    (void)dir.write_program("script", expand("#!/bin/bash\n" + std::string(script), dir));
    return pool("app", R"(["@dir@/script"])", more);
  }
  void release() { std::ofstream(dir / "go") << std::endl; }
};

TEST_F(Bounds, TheTailOfAllSlotsOfAPoolArrivesWhole) {
  constexpr int kSlots = 24;
  Reeve& reeve = start_ready(
      script_pool("printf 'line %060d\\n' $(seq 1100); echo the end; exec sleep 1000",
                  fmt::format("ready = {{ log = \"the end\" }}\nworkers = {}", kSlots)));
  const Finished tail = reeve.ctl({"tail", "-64000", "app"});
  EXPECT_EQ(tail.code(), 0) << tail.errors;
  EXPECT_GT(tail.output.size(), kSlots * 63'000U);
  std::size_t ends = 0;
  for (std::size_t at = 0; (at = tail.output.find("the end\n", at)) != std::string::npos; ++at) {
    ++ends;
  }
  EXPECT_EQ(ends, static_cast<std::size_t>(kSlots));
}

TEST_F(Bounds, NoLastWordIsLostHoweverManyItHasNotReadYet) {
  Reeve& reeve = start(
      script_pool("printf 'STATE=Running\\nREADY=1\\n' >&$REEVE_CHANNEL; read x < @dir@/go\n"
                  "for i in $(seq 200); do printf 'STATUS=word %d\\n' $i >&$REEVE_CHANNEL; done\n"
                  "printf 'REASON=the very last word\\n' >&$REEVE_CHANNEL; exit 70",
                  "ready = \"notify\""));
  ASSERT_TRUE(reeve.becomes("app:0", "RUNNING"));
  const Watch worker(reeve.pid("app:0"));
  reeve.master().signal(SIGSTOP);  // It reads nothing while the worker speaks.
  release();
  const bool ended = worker.ended_within(kPatience);
  reeve.master().signal(SIGCONT);
  ASSERT_TRUE(ended);
  EXPECT_TRUE(eventually([&] { return reeve.log().contains("the very last word"); }))
      << reeve.log();
}

TEST_F(Bounds, ANativeWorkerWhoseRecorderIsUnknownIsNeverHung) {
  Reeve& reeve = start_ready(
      script_pool("printf 'STATE=Running\\nREADY=1\\n' >&$REEVE_CHANNEL; exec sleep 1000",
                  "ready = \"notify\"\nwatchdog = \"100ms\""));
  const int pid = reeve.pid("app:0");
  ASSERT_TRUE(eventually([&] { return reeve.slot("app:0").uptime > 1s; }))
      << reeve.slot("app:0").detail;
  EXPECT_EQ(reeve.pid("app:0"), pid);
}

}  // namespace
}  // namespace reeve::e2e
