// Who is told that it holds the lease, and what is answered to those who claim a run.

#include "supervisor/pool/schedule_lease.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/log/output.hpp"
#include "tests/unit/supervisor/core/pool_driver.hpp"
#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Leased : public ::testing::Test {
 protected:
  Leased() { web_.serve(); }

  [[nodiscard]] ScheduleLease::Member member(int slot) const {
    return {.worker = web_.current(slot), .name = fmt::format("web:{}", slot), .pid = 100 + slot};
  }
  [[nodiscard]] ScheduleLease::Callbacks callbacks() {
    return {.find = [this](WorkerId worker) -> std::optional<ScheduleLease::Member> {
              for (const int slot : {0, 1}) {
                if (web_.slot(slot).current == worker) return member(slot);
              }
              return std::nullopt;
            },
            .tell = [this](WorkerId worker, const ipc::MasterMessage& message) -> ipc::Result<> {
              if (deaf_.contains(worker)) return ipc::failure("its channel is full");
              told_.emplace_back(worker, message);
              return {};
            },
            .on_event = [this](const std::string& text) { events_.push_back(text); }};
  }
  void want(int slot) {
    ipc::WorkerMessage message;
    message.lease = ipc::LeaseWish::Wanted;
    lease_.on_message(member(slot), message);
  }

  PoolDriver web_{spec_of(2)};
  std::set<WorkerId> deaf_;
  std::vector<std::pair<WorkerId, ipc::MasterMessage>> told_;
  std::vector<std::string> events_;
  testing::LoopDriver driver_;
  ipc::UniqueFd null_fd_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Output output_{driver_.loop, null_fd_.get()};
  Log log_{output_, LogFormat::Text, LineStyle::Plain, LogLevel::Debug};
  ScheduleLease lease_{log_, web_.pool(), callbacks()};
};

TEST_F(Leased, OneOfTwoIsToldThatItHoldsIt) {
  want(1);
  want(0);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].first, web_.current(1));
  EXPECT_TRUE(told_[0].second.lease.has_value());
  EXPECT_THAT(events_.at(0), HasSubstr("web:1 (pid 101"));
}

TEST_F(Leased, TheOtherOneFollowsWhenItIsGone) {
  want(1);
  want(0);
  const WorkerId holder = web_.current(1);
  web_.exited(holder);
  lease_.ended(holder);
  lease_.settle();
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1].first, web_.current(0));
  EXPECT_GT(told_[1].second.lease->fence, told_[0].second.lease->fence);
}

TEST_F(Leased, OneThatCannotBeToldDoesNotHoldIt) {
  deaf_.insert(web_.current(0));
  want(0);
  EXPECT_THAT(told_, IsEmpty());
  want(1);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].first, web_.current(1));
}

TEST_F(Leased, NobodyGetsItBeforeItIsInherited) {
  lease_.wait();
  want(0);
  EXPECT_THAT(told_, IsEmpty());
  const ScheduleLease removed(log_, web_.pool(), callbacks());
  lease_.inherit(removed);
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(Leased, ARunIsGrantedOnceAndToTheHolderOnly) {
  want(0);
  told_.clear();
  ipc::WorkerMessage claim;
  claim.claim = ipc::DueRun{
      .name = "beat",
      .due = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::system_clock::now())};
  for (const int slot : {1, 0, 0}) lease_.on_message(member(slot), claim);
  std::vector<bool> granted;
  for (const auto& [worker, message] : told_) granted.push_back(message.claim->granted);
  EXPECT_THAT(granted, ::testing::ElementsAre(false, true, false));
}

TEST_F(Leased, GoesOnFromItsState) {
  want(0);
  ScheduleLease next(log_, web_.pool(), callbacks(), lease_.state());
  EXPECT_EQ(next.state(), lease_.state());
  next.settle();
  EXPECT_EQ(told_.size(), 1U) << "who holds it holds it on";
}

}  // namespace
}  // namespace reeve::supervisor
