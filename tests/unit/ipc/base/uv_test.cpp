#include "ipc/base/uv.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ipc/base/unique_fd.hpp"

namespace reeve::ipc::uv {
namespace {

using namespace std::chrono_literals;

class UvTest : public testing::Test {
 protected:
  struct Pipe {
    UniqueFd read, write;
  };
  static Pipe pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
  }

  Loop loop_;
};

TEST_F(UvTest, ATimerFiresOnceAndNeverEarly) {
  int fired = 0;
  Timer timer(loop_, [&] { ++fired; });
  const TimePoint before = loop_.now();
  timer.arm(1500us);
  EXPECT_TRUE(timer.armed());
  loop_.run();
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.armed());
  EXPECT_GE(loop_.now() - before, 1500us);
}

TEST_F(UvTest, ADelayFromNowIsWholeAlsoAfterABlockingCallback) {
  TimePoint armed{};
  TimePoint fired{};
  Timer timer(loop_, [&] { fired = Clock::now(); });
  Timer blocks(loop_, [&] {
    while (Clock::now() - loop_.now() < 30ms) continue;  // The loop's time stands still.
    armed = Clock::now();
    timer.arm_from_now(20ms);
  });
  blocks.arm(0ms);
  loop_.run();
  EXPECT_GE(fired - armed, 20ms);
  timer.arm_from_now(Duration::max());
  EXPECT_TRUE(timer.armed()) << "for ever is not at once";
}

TEST_F(UvTest, ArmingAgainReplacesAndDisarmingForgets) {
  std::string order;
  Timer first(loop_, [&] { order += '1'; });
  Timer second(loop_, [&] { order += '2'; });
  Timer never(loop_, [&] { order += '3'; });
  first.arm(1ms);
  second.arm(2ms);
  never.arm(1ms);
  first.arm(5ms);
  never.disarm();
  loop_.run();
  EXPECT_EQ(order, "21");
}

TEST_F(UvTest, APastDeadlineFiresInTheNextTurn) {
  bool fired = false;
  Timer timer(loop_, [&] { fired = true; });
  timer.arm(-5s);
  loop_.run();
  EXPECT_TRUE(fired);
}

TEST_F(UvTest, ATimerMayDestroyItself) {
  auto alive = std::make_shared<int>(0);
  const std::weak_ptr<int> seen = alive;
  std::optional<Timer> timer;
  timer.emplace(loop_, [&timer, alive = std::move(alive)] {
    timer.reset();
    ++*alive;  // The captures outlive the handle.
  });
  timer->arm(0ms);
  loop_.run();
  EXPECT_TRUE(seen.expired());
}

TEST_F(UvTest, ADestroyedTimerIsSilent) {
  bool fired = false;
  {
    Timer timer(loop_, [&] { fired = true; });
    timer.arm(0ms);
  }
  loop_.run();
  EXPECT_FALSE(fired);
}

TEST_F(UvTest, APollIsLevelTriggeredUntilItIsStopped) {
  const Pipe pipe = UvTest::pipe();
  int seen = 0;
  std::optional<Poll> poll;
  poll.emplace(loop_, pipe.read.get(), [&](int events) {
    EXPECT_TRUE(events & UV_READABLE);
    if (++seen == 3) poll->watch(0);
  });
  poll->watch(UV_READABLE);
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  loop_.run();
  EXPECT_EQ(seen, 3);
}

TEST_F(UvTest, APollMayDestroyItself) {
  const Pipe pipe = UvTest::pipe();
  std::optional<Poll> poll;
  poll.emplace(loop_, pipe.read.get(), [&](int) { poll.reset(); });
  poll->watch(UV_READABLE);
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  loop_.run();
  EXPECT_FALSE(poll);
}

TEST_F(UvTest, APollOnWhatCannotBePolledIsRefused) {
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_THROW(Poll(loop_, file.get(), [](int) {}), std::runtime_error);
}

TEST_F(UvTest, AsyncWakesTheLoopFromAnotherThread) {
  std::thread::id woken_on;
  Async async(loop_, [&] {
    woken_on = std::this_thread::get_id();
    loop_.stop();
  });
  const std::jthread sender([&] { async.send(); });
  loop_.run();
  EXPECT_EQ(woken_on, std::this_thread::get_id());
}

TEST_F(UvTest, ACheckRunsAfterTheCallbacksOfATurn) {
  const Pipe pipe = UvTest::pipe();
  std::string order;
  std::optional<Poll> poll;
  poll.emplace(loop_, pipe.read.get(), [&](int) {
    order += "event ";
    poll.reset();
  });
  poll->watch(UV_READABLE);
  const Check check(loop_, [&] { order += "check"; });
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  loop_.run();
  EXPECT_EQ(order, "event check");
}

TEST_F(UvTest, TheLoopsClockIsTheMonotonicOne) {
  const TimePoint before = Clock::now();
  uv_update_time(loop_.get());
  EXPECT_LT(before - loop_.now(), 2ms + 4ms);  // Milliseconds, and the coarse clock's tick.
  EXPECT_LE(loop_.now(), Clock::now());
}

}  // namespace
}  // namespace reeve::ipc::uv
