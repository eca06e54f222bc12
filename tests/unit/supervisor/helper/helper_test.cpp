// The master's side of its helper, against one that is late, wrong, silent or dead.

#include "supervisor/helper/helper.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <string>
#include <vector>

#include "supervisor/system/reaper.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AskedHelper : public ::testing::Test {
 protected:
  ~AskedHelper() override {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  /// A process that only waits for its end; the test speaks for it.
  ipc::Result<StartedHelper> start() {
    ++starts_;
    if (cannot_start_) return ipc::failure("no more processes");
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
      return ipc::failure("socketpair");
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close_range(STDERR_FILENO + 1, UINT_MAX, 0);  // The end is the test's alone.
      for (;;) ::pause();
    }
    pids_.push_back(pid);
    end_ = ipc::UniqueFd(ends[1]);
    return StartedHelper{.pid = pid, .socket = ipc::UniqueFd(ends[0])};
  }

  void ask(std::string text, Duration deadline = 10s) {
    helper_.ask(HelperTask::LookUpUser, std::move(text), deadline,
                [this](const std::expected<std::string, Helper::Failure>& answer) {
                  if (answer) {
                    answers_.push_back(*answer);
                  } else {
                    failures_.push_back(answer.error());
                  }
                });
  }
  /// What the process is asked next.
  HelperRequest request() {
    std::optional<HelperRequest> found;
    EXPECT_TRUE(driver_.run_until([&] {
      char packet[kMostRequestBytes];
      const ssize_t size = ::recv(end_.get(), packet, sizeof(packet), 0);
      if (size > 0) found = parse_helper_request({packet, static_cast<std::size_t>(size)});
      return found.has_value();
    }));
    return found.value_or(HelperRequest{});
  }
  void say(const std::string& packet) const {
    EXPECT_EQ(::send(end_.get(), packet.data(), packet.size(), 0),
              static_cast<ssize_t>(packet.size()));
  }
  void answer(std::uint64_t id, std::string text) const {
    say(format(HelperReply{.id = id, .text = std::move(text)}));
  }
  /// True once the process that runs was killed. Reaps it.
  bool is_killed() {
    int status = 0;
    const bool ended = driver_.run_until(
        [&] { return ::waitpid(pids_.back(), &status, WNOHANG) == pids_.back(); });
    if (!ended) return false;
    const pid_t pid = pids_.back();
    pids_.pop_back();
    end_.reset();  // What lies unread in it is nobody's.
    helper_.exited(pid, death_of(status));
    return WIFSIGNALED(status);
  }

  testing::LoopDriver driver_;
  bool cannot_start_ = false;
  int starts_ = 0;
  std::vector<pid_t> pids_;
  ipc::UniqueFd end_;
  std::vector<std::string> answers_;
  std::vector<Helper::Failure> failures_;
  std::vector<std::string> warnings_;
  Helper helper_{driver_.loop,
                 {.start = [this] { return start(); },
                  .warn = [this](const std::string& text) { warnings_.push_back(text); }}};
};

TEST_F(AskedHelper, StartsAtFirstNeedAndMatchesAnswersById) {
  EXPECT_EQ(starts_, 0);
  ask("one");
  ask("two");
  EXPECT_EQ(starts_, 1);
  const HelperRequest one = request();
  const HelperRequest two = request();
  EXPECT_EQ(one.text, "one");
  EXPECT_NE(one.id, two.id);
  answer(two.id, "second");
  answer(one.id, "first");
  ASSERT_TRUE(driver_.run_until([this] { return answers_.size() == 2; }));
  driver_.turn();
  EXPECT_THAT(answers_, ElementsAre("second", "first"));
}

TEST_F(AskedHelper, ALateOneIsKilledAndReplacedByTheNextNeed) {
  ask("slow", 20ms);
  ASSERT_TRUE(driver_.run_until([this] { return !failures_.empty(); }));
  EXPECT_THAT(failures_, ElementsAre(Helper::Failure::Late));
  ask("next");
  EXPECT_EQ(starts_, 1) << "not beside one that has not ended";
  EXPECT_TRUE(is_killed());
  answer(request().id, "fine");
  EXPECT_TRUE(driver_.run_until([this] { return !answers_.empty(); }));
  EXPECT_EQ(starts_, 2);
}

TEST_F(AskedHelper, WhatWaitsBehindALateOneIsAskedAgain) {
  ask("slow", 20ms);
  ask("patient");
  EXPECT_TRUE(is_killed());
  const HelperRequest again = request();
  EXPECT_EQ(again.text, "patient");
  answer(again.id, "fine");
  EXPECT_TRUE(driver_.run_until([this] { return !answers_.empty(); }));
  EXPECT_THAT(failures_, ElementsAre(Helper::Failure::Late));
}

TEST_F(AskedHelper, DeathRepeatsARequestOnceAndThenFailsIt) {
  ask("deadly");
  (void)request();
  ::kill(pids_.back(), SIGKILL);
  EXPECT_TRUE(is_killed());
  EXPECT_EQ(request().text, "deadly");
  EXPECT_TRUE(failures_.empty());
  ::kill(pids_.back(), SIGKILL);
  EXPECT_TRUE(is_killed());
  EXPECT_THAT(failures_, ElementsAre(Helper::Failure::Ended));
  EXPECT_THAT(warnings_.back(), HasSubstr("has ended (killed by SIGKILL)"));
}

TEST_F(AskedHelper, NonsenseTooMuchAndSilenceForGoodEndIt) {
  const std::vector<std::function<void()>> misdeeds = {
      [this] { say("nonsense"); },
      [this] { say("1\n" + std::string(kMostReplyBytes, 'x')); },
      [this] { answer(4711, "the answer to nothing"); },
      [this] { end_.reset(); },
  };
  for (const auto& misdeed : misdeeds) {
    ask("x");
    (void)request();
    misdeed();
    EXPECT_TRUE(is_killed());
    answer(request().id, "fine");
    ASSERT_TRUE(driver_.run_until([this] { return !answers_.empty(); }));
    answers_.clear();
  }
  EXPECT_TRUE(failures_.empty());
}

TEST_F(AskedHelper, OneThatCannotStartIsTriedWithPausesOnly) {
  cannot_start_ = true;
  ask("x", 250ms);
  ASSERT_TRUE(driver_.run_until([this] { return !failures_.empty(); }));
  EXPECT_THAT(failures_, ElementsAre(Helper::Failure::Late));
  EXPECT_LE(starts_, 3) << "at 0, 100 and 300 ms";
  EXPECT_THAT(warnings_.front(), HasSubstr("cannot start the helper: no more processes"));
}

TEST_F(AskedHelper, BeyondItsBoundItRefusesAtOnce) {
  for (std::size_t i = 0; i < Helper::kMostRequests; ++i) ask("x");
  EXPECT_TRUE(failures_.empty());
  ask("one too many");
  EXPECT_THAT(failures_, ElementsAre(Helper::Failure::TooMany));
}

TEST_F(AskedHelper, AnAnswerThatMakesNoSenseIsAnErrorThatNamesTheUser) {
  std::string error;
  find_user(helper_, "shop", [&error](const FoundUser& found) { error = found.error(); });
  answer(request().id, "uid=0");
  ASSERT_TRUE(driver_.run_until([&error] { return !error.empty(); }));
  EXPECT_EQ(error, "cannot look up \"shop\": the helper's answer is malformed");
}

const User kShop{.uid = 7, .gid = 8, .groups = {8, 9}, .name = "shop", .home = "/srv/shop"};

TEST(HelperMessages, AreReadAsTheyWereWritten) {
  const HelperRequest request{.id = 3, .task = HelperTask::LookUpUser, .text = "shop:www\nx"};
  EXPECT_EQ(parse_helper_request(format(request)), request);
  const HelperReply reply{.id = 3, .text = "a\nb"};
  EXPECT_EQ(parse_helper_reply(format(reply)), reply);
  EXPECT_EQ(parse_found_user(format(FoundUser(kShop))), FoundUser(kShop));
  const FoundUser error = std::unexpected("no user");
  EXPECT_EQ(parse_found_user(format(error)), error);
}

TEST(HelperMessages, WhatIsOutOfRangeOrNoTextIsRefused) {
  for (const std::string_view text :
       {"", "uid=1", "gid=1", "uid=-1\ngid=1", "uid=4294967295\ngid=1", "uid=1\ngid=4294967296",
        "uid=1\ngid=1\ngroups=1,,2", "uid=1\ngid=1\ngroups=4294967295",
        "uid=1\ngid=1\nshell=/bin/sh", "uid=1\ngid=1\nname=a\tb", "uid=1\ngid=1\nhome=\x1b[2J",
        "error=\x01", "nonsense"}) {
    EXPECT_FALSE(parse_found_user(text)) << text;
  }
  EXPECT_FALSE(parse_helper_request("x 0\nshop"));
  EXPECT_FALSE(parse_helper_request("1 9\nshop")) << "a task of the future";
  EXPECT_FALSE(parse_helper_reply("-1\n"));
}

TEST(HelperMessages, WhatDoesNotFitIsSaidAsAnError) {
  User many = kShop;
  many.groups.assign(65536, 1234567);
  EXPECT_EQ(format(FoundUser(many)), "error=it is in too many groups");
  User odd = kShop;
  odd.home = "/a\nuid=0";
  EXPECT_THAT(format(FoundUser(odd)), HasSubstr("error="));
}

}  // namespace
}  // namespace reeve::supervisor
