#include "ipc/base/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace reeve::ipc {
namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, ClosesAtItsEnd) {
  const int fd = open_null();
  {
    const UniqueFd owner(fd);
    EXPECT_TRUE(owner);
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, MovesTheDuty) {
  const int fd = open_null();
  UniqueFd first(fd);
  {
    const UniqueFd second = std::move(first);
    EXPECT_EQ(second.get(), fd);
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, AssignmentClosesTheOldOne) {
  const int old = open_null();
  UniqueFd owner(old);
  const int fresh = open_null();
  owner = UniqueFd(fresh);
  EXPECT_FALSE(is_open(old));
  EXPECT_TRUE(is_open(fresh));
}

TEST(UniqueFd, AssignmentToItselfKeepsIt) {
  UniqueFd owner(open_null());
  UniqueFd& alias = owner;
  owner = std::move(alias);
  EXPECT_TRUE(owner && is_open(owner.get()));
}

TEST(UniqueFd, ReleaseHandsItOver) {
  UniqueFd owner(open_null());
  const UniqueFd heir(owner.release());
  EXPECT_FALSE(owner);
  owner.reset();
  EXPECT_TRUE(is_open(heir.get()));
}

}  // namespace
}  // namespace reeve::ipc
