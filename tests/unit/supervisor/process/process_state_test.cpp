// A process that goes on under another master: what is handed over is what the next one has.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>

#include "ipc/base/unique_fd.hpp"
#include "supervisor/process/measure.hpp"
#include "supervisor/process/process.hpp"
#include "supervisor/system/pipe.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

class Silent : public ProcessObserver {
  void executed(Process& /*process*/) override {}
  void on_message(Process& /*process*/, const ipc::WorkerMessage& /*message*/) override {}
  void line_lost(Process& /*process*/) override {}
  void printed(Process& /*process*/, Stream /*stream*/, std::string_view /*line*/) override {}
  void printed_part(Process& /*process*/, std::string_view /*part*/) override {}
};

class ProcessState : public ::testing::Test {
 protected:
  ProcessState() {
    int channel[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, channel), 0);
    worker_ = ipc::UniqueFd(channel[1]);
    state_.channel_fd = channel[0];
    state_.out.fd = Pipe::open()->read_end.release();
    state_.error.fd = Pipe::open()->read_end.release();
    state_.identity = {.worker = WorkerId{7}, .slot = 1, .generation = Generation{2}};
    state_.state = ipc::WorkerState::Running;
    state_.program = "/bin/web";
    state_.out.line = {.partial = "half a li", .limit = 4096};
    state_.last_lines = {"one", "two"};
  }

  testing::LoopDriver driver_;
  Silent observer_;
  ipc::UniqueFd worker_;
  Process::State state_;
};

TEST_F(ProcessState, IsHandedOverAsItWasTakenOver) {
  state_.recorder_fd = ::dup(ipc::Recorder::create()->fd());
  const Process process(driver_.loop, observer_, state_, {}, nullptr);
  const Process::State again = process.state();
  EXPECT_EQ(again.identity.worker, WorkerId{7});
  EXPECT_EQ(again.channel_fd, state_.channel_fd);
  EXPECT_EQ(again.recorder_fd, state_.recorder_fd);
  EXPECT_EQ(again.out.fd, state_.out.fd);
  EXPECT_EQ(again.out.line.partial, "half a li");
  EXPECT_EQ(again.out.line.limit, 4096U);
  EXPECT_EQ(again.program, "/bin/web");
  EXPECT_EQ(again.last_lines, state_.last_lines);
}

TEST_F(ProcessState, APageOfAnotherLayoutGivesNoFiguresAndNobodyHangs) {
  state_.recorder_fd = ::memfd_create("of-another-version", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(state_.recorder_fd, 100), 0);
  const Process process(driver_.loop, observer_, state_, {}, nullptr);
  const Measured found = measure(process, driver_.loop.now(), false);
  EXPECT_FALSE(found.native);
  EXPECT_EQ(found.sign_of_life, driver_.loop.now());
  EXPECT_EQ(process.state().recorder_fd, state_.recorder_fd);
}

}  // namespace
}  // namespace reeve::supervisor
