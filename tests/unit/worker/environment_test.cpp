#include "worker/lifespan/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace reeve::worker {
namespace {

using ::testing::HasSubstr;

/// Variables and a file of their own, gone at the end.
class EnvironmentTest : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const char* name : {"REEVE_TEST_A", "REEVE_TEST_B", "REEVE_TEST_C"}) ::unsetenv(name);
    std::filesystem::remove(path_);
  }
  std::string write(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }
  static std::string value(const char* name) {
    const char* found = std::getenv(name);
    return found != nullptr ? found : "(unset)";
  }
  const std::string path_ =
      ::testing::TempDir() + "reeve_environment_" + std::to_string(::getpid());
};

TEST_F(EnvironmentTest, ProcessWinsOverFileOverDefaults) {
  ::setenv("REEVE_TEST_A", "process", 1);
  const Environment environment{
      .file = write("REEVE_TEST_A=file\nREEVE_TEST_B=file\n"),
      .defaults = {{"REEVE_TEST_B", "default"}, {"REEVE_TEST_C", "default"}},
      .required = {"REEVE_TEST_A", "REEVE_TEST_B", "REEVE_TEST_C"}};
  ASSERT_TRUE(apply(environment));
  EXPECT_EQ(value("REEVE_TEST_A"), "process");
  EXPECT_EQ(value("REEVE_TEST_B"), "file");
  EXPECT_EQ(value("REEVE_TEST_C"), "default");
}

TEST_F(EnvironmentTest, NamesEveryMissingVariableAtOnce) {
  ::setenv("REEVE_TEST_B", "", 1);
  const auto applied =
      apply({.file = "", .defaults = {}, .required = {"REEVE_TEST_A", "REEVE_TEST_B"}});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error(), "required but not set: REEVE_TEST_A, REEVE_TEST_B");
}

TEST_F(EnvironmentTest, MissingFileIsNoError) {
  EXPECT_TRUE(apply({.file = "/nonexistent/.env", .defaults = {}, .required = {}}));
}

TEST_F(EnvironmentTest, BadOrUnreadableFileIsNamed) {
  const auto bad = apply({.file = write("nothing\n"), .defaults = {}, .required = {}});
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error(), HasSubstr(path_ + ": line 1"));
  const auto unreadable = apply({.file = "/", .defaults = {}, .required = {}});
  ASSERT_FALSE(unreadable);
  EXPECT_THAT(unreadable.error(), HasSubstr("/: Is a directory"));
}

}  // namespace
}  // namespace reeve::worker
