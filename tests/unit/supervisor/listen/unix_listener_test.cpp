// The file of a Unix listener: whose it is, and what becomes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/listen/listeners.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class UnixListener : public ::testing::Test {
 protected:
  [[nodiscard]] ListenerConfig config() const {
    return {.name = "app", .address = *ipc::parse_address("unix:" + path_)};
  }
  [[nodiscard]] struct stat info() const {
    struct stat info{};
    EXPECT_EQ(::stat(path_.c_str(), &info), 0);
    return info;
  }
  [[nodiscard]] mode_t mode() const { return info().st_mode & 07777; }

  unit::TempDir directory_;
  const std::string path_ = directory_ / "app.sock";
};

TEST_F(UnixListener, HasTheModeThatWasAskedForFromTheBeginning) {
  const mode_t before = ::umask(0);
  ::umask(before);
  ListenerConfig asked = config();
  asked.mode = 0620;
  Listener listener(asked);
  ASSERT_TRUE(listener.open().has_value());
  EXPECT_EQ(mode(), 0620U);
  EXPECT_EQ(::umask(before), before);
  asked.mode = 0600;
  ASSERT_TRUE(listener.set_access(asked).has_value());
  EXPECT_EQ(mode(), 0600U);
}

TEST_F(UnixListener, HasTheUmasksModeByDefault) {
  const mode_t before = ::umask(027);
  Listener listener(config());
  const bool opened = listener.open().has_value();
  ::umask(before);
  ASSERT_TRUE(opened);
  EXPECT_EQ(mode(), 0750U);
}

TEST_F(UnixListener, BelongsToWhomWasAskedFor) {
  ListenerConfig asked = config();
  asked.owner = "someone";
  asked.uid = 4711;
  asked.gid = 4712;
  Listener listener(asked);
  const auto opened = listener.open();
  if (::geteuid() == 0) {
    ASSERT_TRUE(opened.has_value()) << opened.error().text;
    EXPECT_EQ(info().st_uid, 4711U);
    EXPECT_EQ(info().st_gid, 4712U);
  } else {
    ASSERT_FALSE(opened.has_value());
    EXPECT_THAT(opened.error().text, HasSubstr("listen.app: cannot give " + path_ + " to someone"));
    EXPECT_FALSE(fs::exists(path_));
  }
}

TEST_F(UnixListener, OnlyItsOwnFileIsRemoved) {
  Listener first(config());
  ASSERT_TRUE(first.open().has_value());
  fs::remove(path_);
  EXPECT_TRUE(first.path_is_gone());
  Listener successor(config());
  ASSERT_TRUE(successor.open().has_value());
  EXPECT_FALSE(first.path_is_gone());
  EXPECT_TRUE(first.path_is_lost());
  first.close();
  EXPECT_TRUE(fs::exists(path_));
  successor.close();
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(UnixListener, WhoseFileWasRemovedIsBoundAnew) {
  std::vector<ipc::NamedFd> none;
  auto before = open_listeners({config()}, {}, none);
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(open_listeners({config()}, *before, none)->front(), before->front());
  fs::remove(path_);
  const auto after = open_listeners({config()}, *before, none);
  ASSERT_TRUE(after.has_value());
  EXPECT_NE(after->front(), before->front());
  EXPECT_FALSE(after->front()->path_is_lost());

  const ListenerSet both{before->front(), after->front()};
  EXPECT_EQ(open_listeners({config()}, both, none)->front(), after->front()) << "once is enough";
  before->clear();
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(UnixListener, GoesOnInAnotherMasterWithItsFile) {
  Listener first(config());
  ASSERT_TRUE(first.open().has_value());
  Listener::State state = first.state();
  state.fd = ::dup(state.fd);
  Listener next(state);
  EXPECT_FALSE(next.path_is_lost());
  state.file.reset();  // A master of an older version has not told which it was.
  state.fd = ::dup(state.fd);
  Listener of_older(state);
  EXPECT_FALSE(of_older.path_is_lost());
  of_older.close();
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(UnixListener, AnAbstractOneHasNoFile) {
  ListenerConfig asked = config();
  asked.address = *ipc::parse_address("unix:@reeve-unit-" + std::to_string(::getpid()));
  Listener listener(asked);
  ASSERT_TRUE(listener.open().has_value());
  EXPECT_FALSE(listener.path_is_lost());
}

}  // namespace
}  // namespace reeve::supervisor
