// The recipes of supervisor/docs/programs.md: programs of others, as their authors left them,
// rolled under load. Each is skipped where its program is not installed.

#include <unistd.h>

#include <string>
#include <string_view>

#include "tests/e2e/harness/load.hpp"
#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/shipped_config.hpp"

namespace reeve::e2e {
namespace {

using ::testing::HasSubstr;

class Programs : public ReeveTest {
 protected:
  /// A master that serves one of configs/programs on a listener of its own.
  Reeve& serve(std::string_view file) {
    return start_ready(shipped_config("programs/" + std::string(file), "127.0.0.1:0"));
  }
  /// Rolls while clients use the pool with either kind of connection; nothing may be lost.
  static void roll_under_load(const Reeve& reeve) {
    Load load({.port = reeve.port_in_log(), .per_request = 2, .keep_alive = 2});
    ASSERT_TRUE(load.goes_on());
    const Finished verdict = reeve.ctl({"restart", "web"});
    EXPECT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
    ASSERT_TRUE(load.goes_on());
    const LoadReport report = load.stop();
    EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
  }
};

TEST_F(Programs, GunicornRollsUnderLoad) {
  if (::access("/usr/bin/gunicorn", X_OK) != 0) GTEST_SKIP() << "package gunicorn is not installed";
  Reeve& reeve = serve("gunicorn.toml");
  roll_under_load(reeve);
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Programs, NodeRollsUnderLoad) {
  if (::access("/usr/bin/node", X_OK) != 0) GTEST_SKIP() << "package nodejs is not installed";
  Reeve& reeve = serve("node.toml");
  roll_under_load(reeve);
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Programs, AServiceWaitsForItsMigration) {
  Reeve& reeve = serve("migration.toml");
  EXPECT_EQ(reeve.slot("migrate:0").state, "EXITED");
  const std::string log = reeve.log();
  EXPECT_LT(log.find("migrated"), log.find("web:0: STOPPED → STARTING"));
  roll_under_load(reeve);
}

}  // namespace
}  // namespace reeve::e2e
