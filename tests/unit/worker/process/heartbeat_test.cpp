#include "worker/process/heartbeat.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "ipc/recorder/reader.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using HeartbeatTest = RuntimeFixture;

TEST_F(HeartbeatTest, BeatsAtOnce) {
  const ipc::Recorder recorder = ipc::Recorder::detached();
  const Heartbeat heartbeat(loop, recorder.page());
  const auto reading = ipc::read(recorder.page(), ipc::Clock::now());
  ASSERT_TRUE(reading);
  EXPECT_TRUE(reading->since_heartbeat);
}

TEST_F(HeartbeatTest, BlockedLoopShowsAsLag) {
  const ipc::Recorder recorder = ipc::Recorder::detached();
  const auto first = ipc::Clock::now();
  const Heartbeat heartbeat(loop, recorder.page(), 2ms);
  while (ipc::Clock::now() < first + 30ms) {
  }
  std::uint64_t lag = 0;
  ipc::uv::Timer look(loop, [&] {  // Due before each next beat, which would overwrite the value.
    lag = recorder.page().loop_lag_us.load();
    if (lag >= 20'000) return loop.stop();
    look.arm(1ms);
  });
  look.arm(0ms);
  run_loop();
  EXPECT_GE(lag, 20'000U);
}

TEST(Heartbeat, ThreeFitIntoAShortWatchdog) {
  EXPECT_EQ(Heartbeat::period_for(std::nullopt), 1s);
  EXPECT_EQ(Heartbeat::period_for(15s), 1s) << "no oftener than needed";
  EXPECT_EQ(Heartbeat::period_for(600ms), 200ms);
  EXPECT_EQ(Heartbeat::period_for(1us), 1ms) << "never a timer without a pause";
}

}  // namespace
}  // namespace reeve::worker
