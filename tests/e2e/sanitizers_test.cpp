// That a report of a sanitizer cannot be missed: of a worker, whose stderr the master keeps, in a
// test that sees nothing else amiss. Only in the builds that have one.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Sanitizers : public ReeveTest {
 protected:
  /// Runs a test of this suite; it fails, by nothing but the report of a probe.
  void expect_to_fail(const std::string& test, std::string_view report) {
    const Finished other = run({.argv = {binary("e2e"), "--gtest_also_run_disabled_tests",
                                         "--gtest_filter=Sanitizers." + test}},
                               dir, "other", 3 * kPatience);
    EXPECT_EQ(other.code(), 1);
    EXPECT_THAT(other.output, AllOf(HasSubstr("1 FAILED TEST"), HasSubstr("probe"),
                                    HasSubstr(report), Not(HasSubstr("Expected: "))));
  }
};

#if defined(__SANITIZE_THREAD__)
constexpr std::string_view kFault = "race";
constexpr std::string_view kReport = "data race";
#else
constexpr std::string_view kFault = "leak";  // Which is found only when the worker exits in order.
constexpr std::string_view kReport = "detected memory leaks";
#endif

/// Everything in it holds.
TEST_F(Sanitizers, DISABLED_AWorkerHasAFaultThatNobodySees) {
  Reeve& reeve = start_ready(probe_pool(1));
  EXPECT_TRUE(judge(reeve.get("/misbehave?how=" + std::string(kFault))));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Sanitizers, AReportOfAWorkerFailsTheTestThatStartedIt) {
  expect_to_fail("DISABLED_AWorkerHasAFaultThatNobodySees", kReport);
}

#if defined(__SANITIZE_ADDRESS__)
/// A report of UndefinedBehaviorSanitizer ends the worker; the next one takes its place.
TEST_F(Sanitizers, DISABLED_AWorkerReadsNothing) {
  Reeve& reeve = start_ready(probe_pool(1));
  EXPECT_FALSE(reeve.get("/misbehave?how=segv"));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Sanitizers, UndefinedBehaviourOfAWorkerFailsTheTestThatStartedIt) {
  expect_to_fail("DISABLED_AWorkerReadsNothing", "runtime error: load of null pointer");
}
#endif

}  // namespace
}  // namespace reeve::e2e

#endif
