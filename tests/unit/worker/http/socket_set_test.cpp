#include "worker/http/socket_set.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <utility>

#include "tests/unit/worker/runtime_fixture.hpp"

namespace reeve::worker {
namespace {

/// Two connected sockets: one that a member watches, and its peer.
struct Pair {
  Pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) return;
    ours.reset(fds[0]);
    peer.reset(fds[1]);
  }
  void speak() const { (void)::send(peer.get(), "x", 1, MSG_NOSIGNAL); }

  ipc::UniqueFd ours;
  ipc::UniqueFd peer;
};

class SocketSetTest : public RuntimeFixture {
 protected:
  /// Runs the loop for a few turns; the callbacks of what is ready have been called then.
  void turn_around() {
    for (int i = 0; i < 3; ++i) uv_run(loop.get(), UV_RUN_NOWAIT);
  }

  SocketSet set{loop};
};

TEST_F(SocketSetTest, ReportsWhatWasAskedForAndNothingElse) {
  const Pair pair;
  int seen = 0;
  SocketSet::Member member(set, pair.ours.get(), [&](int events) { seen |= events; });
  ASSERT_TRUE(member.watch(UV_READABLE));
  turn_around();
  EXPECT_EQ(seen, 0);
  pair.speak();
  turn_around();
  EXPECT_EQ(seen, UV_READABLE);
  seen = 0;
  ASSERT_TRUE(member.watch(UV_WRITABLE));
  turn_around();
  EXPECT_EQ(seen, UV_WRITABLE);
}

TEST_F(SocketSetTest, AHangUpArrivesAsWhatWasAskedFor) {
  Pair pair;
  int seen = 0;
  SocketSet::Member member(set, pair.ours.get(), [&](int events) { seen |= events; });
  ASSERT_TRUE(member.watch(UV_DISCONNECT));
  pair.peer.reset();
  turn_around();
  EXPECT_EQ(seen, UV_DISCONNECT);
}

TEST_F(SocketSetTest, AMemberThatWatchesNothingHearsNotEvenOfAHangUp) {
  Pair pair;
  int calls = 0;
  SocketSet::Member member(set, pair.ours.get(), [&](int) { ++calls; });
  ASSERT_TRUE(member.watch(UV_READABLE));
  ASSERT_TRUE(member.watch(0));
  pair.peer.reset();
  turn_around();
  EXPECT_EQ(calls, 0);
}

TEST_F(SocketSetTest, AMemberMayDestroyItselfAndOthersOfTheSameTurn) {
  const Pair first;
  const Pair second;
  std::optional<SocketSet::Member> one;
  std::optional<SocketSet::Member> other;
  int calls = 0;
  const auto end_both = [&](int) {
    ++calls;
    one.reset();
    other.reset();
  };
  one.emplace(set, first.ours.get(), end_both);
  other.emplace(set, second.ours.get(), end_both);
  ASSERT_TRUE(one->watch(UV_READABLE));
  ASSERT_TRUE(other->watch(UV_READABLE));
  first.speak();
  second.speak();
  turn_around();
  EXPECT_EQ(calls, 1);
}

TEST_F(SocketSetTest, AnEventOfAFormerMemberDoesNotReachItsSuccessor) {
  const Pair first;
  const Pair second;
  std::optional<SocketSet::Member> one;
  std::optional<SocketSet::Member> other;
  int meant_for_another = 0;
  // Whichever comes first puts a new member in the place of the other, in whose name an event
  // still waits.
  const auto replace = [&](std::optional<SocketSet::Member>& member, const Pair& pair) {
    member.reset();
    member.emplace(set, pair.ours.get(), [&](int) { ++meant_for_another; });
    (void)member->watch(UV_READABLE);
  };
  one.emplace(set, first.ours.get(), [&](int) { replace(other, second); });
  other.emplace(set, second.ours.get(), [&](int) { replace(one, first); });
  ASSERT_TRUE(one->watch(UV_READABLE));
  ASSERT_TRUE(other->watch(UV_READABLE));
  first.speak();
  second.speak();
  uv_run(loop.get(), UV_RUN_NOWAIT);
  EXPECT_EQ(meant_for_another, 0);
}

}  // namespace
}  // namespace reeve::worker
