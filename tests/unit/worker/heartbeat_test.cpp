#include "worker/runtime/heartbeat.hpp"

#include <gtest/gtest.h>

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
  ipc::uv::Timer look(loop, [this, &look, &recorder] {
    if (recorder.page().loop_lag_us.load() >= 20'000) return loop.stop();
    look.arm(1ms);
  });
  look.arm(0ms);
  run_loop();
  EXPECT_GE(recorder.page().loop_lag_us.load(), 20'000U);
}

}  // namespace
}  // namespace reeve::worker
