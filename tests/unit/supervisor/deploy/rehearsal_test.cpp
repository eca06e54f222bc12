// A worker's life off-traffic: what `reevectl rehearse` answers, and that nothing of it stays.

#include "supervisor/deploy/rehearsal.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <string>

#include "ipc/base/signals.hpp"
#include "supervisor/log/output.hpp"
#include "supervisor/system/reaper.hpp"
#include "supervisor/system/signals.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::HasSubstr;

/// While it lives, this process can open one descriptor more.
class OneDescriptorLeft {
 public:
  OneDescriptorLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(lowest);
    rlimit scarce = before_;
    scarce.rlim_cur = static_cast<rlim_t>(lowest) + 1;
    ::setrlimit(RLIMIT_NOFILE, &scarce);
  }
  ~OneDescriptorLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  OneDescriptorLeft(const OneDescriptorLeft&) = delete;
  OneDescriptorLeft& operator=(const OneDescriptorLeft&) = delete;

 private:
  rlimit before_{};
};

class Rehearsing : public ::testing::Test {
 protected:
  Rehearsing() {
    block_signals();
    become_subreaper();
    std::ofstream(path_) << "[pool.web]\n"
                            "command = [\"/bin/sh\", \"-c\", \"echo up; exec sleep 1000\"]\n"
                            "ready = { log = \"up\" }\n";
  }
  ~Rehearsing() override {
    pools_.kill_survivors();
    EXPECT_TRUE(driver_.run_until([this] { return all_gone(); }));
  }

  void rehearse() {
    rehearsals_.run("web", [](const std::string&) {}, [this](Verdicts given) { answer_ = given; });
  }
  bool all_gone() {
    pools_.sweep();
    return pools_.rehearsals().empty();
  }

  testing::LoopDriver driver_;
  unit::TempDir dir_;
  std::string path_ = dir_ / "reeve.toml";
  std::optional<Verdicts> answer_;
  PendingCommands pending_;
  ipc::UniqueFd null_fd_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Output output_{driver_.loop, null_fd_.get()};
  Log log_{output_, LogFormat::Text, LineStyle::Plain, LogLevel::Debug};
  Launcher launcher_{
      driver_.loop,
      {.environment = {{"PATH", "/usr/bin:/bin"}}, .notify_socket = "/none", .nofile = {}}};
  Pools pools_{driver_.loop, log_, launcher_, pending_,
               Pools::Callbacks{.on_change = [] {},
                                .read_pending = [] {},
                                .on_event = {},
                                .on_forgotten = [](const PoolRunner&) {}}};
  ConfigFile file_{path_, SupervisorConfig{}, {}, {}};
  Rehearsals rehearsals_{driver_.loop, pools_, pending_, file_, dir_.path()};
  Reaper reaper_{[this](pid_t pid) { pools_.conclude(pid); },
                 [this](pid_t pid, const Death& death) { pools_.exited(pid, death); }};
  ipc::uv::Signals signals_{driver_.loop, kHandledSignals, [this](int signal) {
                              if (signal == SIGCHLD) reaper_.child_changed();
                            }};
  ipc::uv::Check check_{driver_.loop, [this] { reaper_.reap_if_pending([] {}); }};
};

TEST_F(Rehearsing, EndsWithItsWorker) {
  rehearse();
  ASSERT_TRUE(driver_.run_until([this] { return answer_.has_value(); }));
  EXPECT_EQ(answer_->at(0).code, "rehearsed") << answer_->at(0).text;
  EXPECT_TRUE(driver_.run_until([this] { return all_gone(); }));
}

TEST_F(Rehearsing, AStartThatFailedForAShortageIsNotTriedAgain) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan opens a pipe to look at an object, and takes a failure for a bad object";
#endif
  {
    const OneDescriptorLeft scarce;
    rehearse();
    ASSERT_TRUE(driver_.run_until([this] { return answer_.has_value(); }));
  }
  EXPECT_FALSE(answer_->at(0).ok);
  EXPECT_THAT(answer_->at(0).text, HasSubstr("Too many open files"));
  EXPECT_TRUE(driver_.run_until([this] { return all_gone(); })) << "it is tried again, unseen";
}

}  // namespace
}  // namespace reeve::supervisor
