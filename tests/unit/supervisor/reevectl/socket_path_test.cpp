#include "supervisor/reevectl/socket_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor::ctl {
namespace {

using testing::HasSubstr;

class SocketPathTest : public testing::Test {
 protected:
  SocketPathTest() { ::setenv("RUNTIME_DIRECTORY", "/run/by-systemd:/run/other", 1); }
  ~SocketPathTest() override { ::unsetenv("RUNTIME_DIRECTORY"); }

  std::string config(std::string_view text) {
    const std::string path = directory_ / "reeve.toml";
    std::ofstream(path) << text;
    return path;
  }

  unit::TempDir directory_;
};

TEST_F(SocketPathTest, TheSocketOptionWins) {
  EXPECT_EQ(find_socket("/x/control.sock", "/nonexistent").value(), "/x/control.sock");
  EXPECT_EQ(find_socket("unix:///x/control.sock", "").value(), "/x/control.sock");
}

TEST_F(SocketPathTest, ThenTheConfiguration) {
  const std::string path = config("[supervisor]\nruntime_dir = \"/run/shop\"\n");
  EXPECT_EQ(find_socket("", path).value(), "/run/shop/control.sock");
}

TEST_F(SocketPathTest, AConfigurationMayLeaveItToTheDefault) {
  EXPECT_EQ(find_socket("", config("[pool.web]\n")).value(), "/run/by-systemd/control.sock");
}

TEST_F(SocketPathTest, ThenTheDefault) {
  EXPECT_EQ(find_socket("", "").value(), "/run/by-systemd/control.sock");
}

TEST_F(SocketPathTest, NoConfigurationEndsReevectlByAnAssertion) {
  EXPECT_THAT(find_socket("", config("a = [\"b\", }\n")).error().text, HasSubstr("reeve.toml:1:"));
  EXPECT_EQ(find_socket("", config("supervisor = 3\n")).value(), "/run/by-systemd/control.sock");
}

TEST_F(SocketPathTest, AnUnreadableConfigurationIsNamed) {
  EXPECT_THAT(find_socket("", "/nonexistent.toml").error().text,
              HasSubstr("/nonexistent.toml: No such file"));
  const std::string broken = config("[supervisor]\nruntime_dir = \n");
  EXPECT_THAT(find_socket("", broken).error().text, HasSubstr("reeve.toml:2:"));
}

}  // namespace
}  // namespace reeve::supervisor::ctl
