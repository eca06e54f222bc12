#include "ipc/runtime_dir.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace reeve::ipc {
namespace {

class RuntimeDir : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("RUNTIME_DIRECTORY"); }
};

TEST_F(RuntimeDir, IsWhatSystemdMade) {
  ::setenv("RUNTIME_DIRECTORY", "/run/shop", 1);
  EXPECT_EQ(default_runtime_dir(), "/run/shop");
}

TEST_F(RuntimeDir, OfSeveralIsTheFirst) {
  ::setenv("RUNTIME_DIRECTORY", "/run/shop:/run/other", 1);
  EXPECT_EQ(default_runtime_dir(), "/run/shop");
}

TEST_F(RuntimeDir, IgnoresARelativePath) {
  ::setenv("RUNTIME_DIRECTORY", "shop", 1);
  EXPECT_TRUE(default_runtime_dir().starts_with('/'));
}

TEST_F(RuntimeDir, OfRootIsInRun) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ::unsetenv("RUNTIME_DIRECTORY");
  EXPECT_EQ(default_runtime_dir(), "/run/reeve");
}

TEST(ControlSocketPath, IsInTheRuntimeDirectory) {
  EXPECT_EQ(control_socket_path("/run/reeve"), "/run/reeve/control.sock");
}

}  // namespace
}  // namespace reeve::ipc
