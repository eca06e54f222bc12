// Deployments of one pool never interleave.

#include "supervisor/deploy/deploy_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DeployQueueTest : public ::testing::Test {
 protected:
  void enter(const std::string& who, IfBusy if_busy = IfBusy::Wait,
             std::optional<SessionId> session = {}, const std::string& pool = "web") {
    queue_.enter(pool,
                 {.requester = {.what = "deploy", .who = who, .session = session},
                  .begin = [this, who] { begun_.push_back(who); },
                  .refuse = [this, who](std::string why) { refused_.push_back(who + ": " + why); }},
                 if_busy, now_);
  }

  ipc::TimePoint now_{};
  int woken_ = 0;
  std::vector<std::string> begun_;
  std::vector<std::string> refused_;
  DeployQueue queue_{[this] { ++woken_; }};
};

TEST_F(DeployQueueTest, TheFirstBeginsAtOnceAndTheSecondWhenItIsDone) {
  enter("a");
  enter("b");
  enter("c");
  EXPECT_THAT(begun_, ElementsAre("a"));
  queue_.leave("web", now_);
  EXPECT_THAT(begun_, ElementsAre("a")) << "not from inside the end of the first";
  EXPECT_EQ(woken_, 1);
  queue_.advance();
  queue_.advance();
  EXPECT_THAT(begun_, ElementsAre("a", "b"));
  queue_.leave("web", now_);
  queue_.advance();
  EXPECT_THAT(begun_, ElementsAre("a", "b", "c"));
  queue_.leave("web", now_);
  EXPECT_FALSE(queue_.at_work("web", now_));
}

TEST_F(DeployQueueTest, OneWhoseTurnHasComeButHasNotBegunIsDismissedToo) {
  enter("a");
  enter("b");
  enter("c");
  queue_.leave("web", now_);
  queue_.dismiss_all("the master ends");
  queue_.advance();
  EXPECT_THAT(begun_, ElementsAre("a"));
  EXPECT_THAT(refused_, ElementsAre("b: the master ends", "c: the master ends"));
  EXPECT_FALSE(queue_.is_busy("web"));
  enter("d");
  EXPECT_THAT(begun_, ElementsAre("a", "d"));
}

TEST_F(DeployQueueTest, NobodyOvertakesOneWhoseTurnHasCome) {
  enter("a");
  enter("b");
  queue_.leave("web", now_);
  enter("c", IfBusy::Refuse);
  queue_.advance();
  EXPECT_THAT(begun_, ElementsAre("a", "b"));
  EXPECT_THAT(refused_, ElementsAre(HasSubstr("c: deploy of web by b, begun")));
}

TEST_F(DeployQueueTest, ARefusalNamesWhoIsAtWorkSinceWhenAndAtWhat) {
  queue_.describe_work([](const std::string&) { return "watching its canary"; });
  enter("reevectl pid 812");
  now_ += 12s;
  enter("b", IfBusy::Refuse);
  EXPECT_THAT(refused_, ElementsAre(HasSubstr(
                            "deploy of web by reevectl pid 812, begun 12 s ago, watching its "
                            "canary, is running")));
}

TEST_F(DeployQueueTest, PoolsDoNotWaitForEachOther) {
  enter("a");
  enter("b", IfBusy::Refuse, {}, "jobs");
  EXPECT_THAT(begun_, ElementsAre("a", "b"));
}

TEST_F(DeployQueueTest, TheLineIsBounded) {
  enter("first");
  for (std::size_t i = 0; i < DeployQueue::kMaxWaiting; ++i) enter("next");
  EXPECT_THAT(refused_, IsEmpty());
  enter("last");
  EXPECT_THAT(refused_, ElementsAre(HasSubstr("last: ")));
}

TEST_F(DeployQueueTest, AClientThatLeavesGivesUpItsPlaceAndNotItsWork) {
  enter("a", IfBusy::Wait, SessionId{1});
  enter("b", IfBusy::Wait, SessionId{1});
  enter("c", IfBusy::Wait, SessionId{2});
  queue_.gone(SessionId{1});
  EXPECT_THAT(refused_, ElementsAre(HasSubstr("b: the client has left")));
  EXPECT_TRUE(queue_.at_work("web", now_));
  queue_.leave("web", now_);
  queue_.advance();
  EXPECT_THAT(begun_, ElementsAre("a", "c"));
}

TEST_F(DeployQueueTest, WhoIsDismissedIsToldWhy) {
  enter("a");
  enter("b");
  queue_.dismiss("jobs", "");
  queue_.dismiss("web", "web was removed");
  EXPECT_THAT(refused_, ElementsAre("b: web was removed"));
  enter("c");
  queue_.dismiss_all("the master is shutting down");
  EXPECT_THAT(refused_, ElementsAre("b: web was removed", "c: the master is shutting down"));
}

}  // namespace
}  // namespace reeve::supervisor
