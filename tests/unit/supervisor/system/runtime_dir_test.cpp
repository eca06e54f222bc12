// The runtime directory under a master that lives: removed by somebody, and made anew.

#include "supervisor/system/runtime_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RemovedRuntimeDir : public ::testing::Test {
 protected:
  unit::TempDir directory_;
  const std::string path_ = directory_ / "run";
};

TEST_F(RemovedRuntimeDir, IsMissedAndMadeAnewUnderTheSameNumber) {
  auto held = RuntimeDir::hold(path_);
  ASSERT_TRUE(held.has_value());
  EXPECT_TRUE(held->in_place());
  const int lock = held->lock_fd();
  fs::remove_all(path_);
  EXPECT_FALSE(held->in_place());
  ASSERT_TRUE(held->restore().has_value());
  EXPECT_TRUE(held->in_place());
  EXPECT_EQ(held->lock_fd(), lock);
  const auto second = RuntimeDir::hold(path_);
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().held_by_another);
}

TEST_F(RemovedRuntimeDir, OnlyThePidFileIsEnough) {
  auto held = RuntimeDir::hold(path_);
  ASSERT_TRUE(held.has_value());
  fs::remove(path_ + "/reeve.pid");
  EXPECT_FALSE(held->in_place());
  ASSERT_TRUE(held->restore().has_value());
  EXPECT_TRUE(fs::exists(path_ + "/reeve.pid"));
}

TEST_F(RemovedRuntimeDir, ThatAnotherMasterHasTakenIsLeftToIt) {
  auto first = RuntimeDir::hold(path_);
  ASSERT_TRUE(first.has_value());
  fs::remove_all(path_);
  const auto second = RuntimeDir::hold(path_);
  ASSERT_TRUE(second.has_value());
  const auto restored = first->restore();
  ASSERT_FALSE(restored.has_value());
  EXPECT_TRUE(restored.error().held_by_another);

  // The other master has the same pid, as in another container.
  {
    const RuntimeDir ends = std::move(*first);
  }
  EXPECT_TRUE(fs::exists(path_ + "/reeve.pid"));
}

TEST_F(RemovedRuntimeDir, ThatCannotBeMadeSaysWhy) {
  auto held = RuntimeDir::hold(path_);
  ASSERT_TRUE(held.has_value());
  fs::remove_all(path_);
  std::ofstream{path_} << "in the way";
  EXPECT_THAT(held->restore().error().text, HasSubstr("cannot open " + path_ + "/reeve.lock"));
}

}  // namespace
}  // namespace reeve::supervisor
