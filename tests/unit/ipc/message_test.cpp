#include "ipc/message.hpp"

#include <gtest/gtest.h>

#include <string>

#include "ipc/base/enum_word.hpp"

namespace reeve::ipc {
namespace {

using std::chrono::microseconds;

TEST(WorkerMessage, SurvivesTheWire) {
  const WorkerMessage message{.ready = true,
                              .stopping = true,
                              .reloading = true,
                              .watchdog = true,
                              .status = "3 of 5 = done",
                              .extend_timeout = microseconds(1500),
                              .state = WorkerState::Running,
                              .step = "[2/5] connections",
                              .reason = "redis: refused"};
  EXPECT_EQ(parse_worker_message(format(message)), message);
}

using Millis = std::chrono::sys_time<std::chrono::milliseconds>;
using std::chrono::milliseconds;

TEST(WorkerMessage, ReportsSurviveTheWire) {
  const WorkerMessage resource{.resource = ResourceReport{.name = "second database",
                                                          .state = ResourceState::Down,
                                                          .phase = "connections",
                                                          .required = false,
                                                          .took = microseconds(17),
                                                          .detail = "refused = yes"}};
  EXPECT_EQ(parse_worker_message(format(resource)), resource);
  const WorkerMessage scheduled{.scheduled =
                                    ScheduledReport{.name = "clean up",
                                                    .schedule = "*/5 * * * *",
                                                    .scope = ScheduleScope::One,
                                                    .here = true,
                                                    .next = Millis(milliseconds(1'700'000'000'000)),
                                                    .last = Millis(milliseconds(1'600'000'000'000)),
                                                    .took = microseconds(2500),
                                                    .result = RunResult::Failed,
                                                    .running = 2,
                                                    .detail = "no disk"}};
  EXPECT_EQ(parse_worker_message(format(scheduled)), scheduled);
  const WorkerMessage lease{.lease = LeaseWish::Released,
                            .claim = DueRun{"clean up", Millis(milliseconds(1'700'000'000'000))}};
  EXPECT_EQ(parse_worker_message(format(lease)), lease);
  const WorkerMessage cost{.cost = "1 request cancelled, close of client not done"};
  EXPECT_EQ(parse_worker_message(format(cost)), cost);
}

TEST(WorkerMessage, AReportWithoutAKnownNameSaysNothing) {
  EXPECT_FALSE(parse_worker_message("RESOURCE_STATE=open\n").resource);
  EXPECT_FALSE(parse_worker_message("SCHEDULED_RUNNING=1\n").scheduled);
  EXPECT_FALSE(parse_worker_message("CLAIM=soon clean\n").claim);
  EXPECT_FALSE(parse_worker_message("CLAIM=99999999999999999 clean\n").claim);
  EXPECT_FALSE(parse_worker_message("CLAIM=5 \n").claim);
  EXPECT_FALSE(parse_worker_message("LEASE=mine\n").lease);
  EXPECT_EQ(parse_worker_message("SCHEDULED=x\nSCHEDULED_RUNNING=-1\n").scheduled->running, 0);
}

TEST(MasterMessage, LeaseAndClaimSurviveTheWire) {
  const MasterMessage granted{.lease = Lease{42, Millis(milliseconds(7))},
                              .claim = ClaimAnswer{{"a b", Millis(milliseconds(9))}, true}};
  EXPECT_EQ(parse_master_message(format(granted)), granted);
  const MasterMessage leaving{.not_ready = true};
  EXPECT_EQ(parse_master_message(format(leaving)), leaving);
  const MasterMessage denied{.claim = ClaimAnswer{{"a", Millis(milliseconds(9))}, false}};
  EXPECT_EQ(parse_master_message(format(denied)), denied);
}

TEST(WorkerMessage, IsWhatSdNotifySends) {
  const WorkerMessage message = parse_worker_message("READY=1\nSTATUS=serving\nMAINPID=7\n");
  EXPECT_TRUE(message.ready);
  EXPECT_EQ(message.status, "serving");
  EXPECT_FALSE(message.stopping);
}

TEST(WorkerMessage, OnlyOneIsTrue) {
  EXPECT_FALSE(parse_worker_message("READY=0").ready);
  EXPECT_FALSE(parse_worker_message("READY=").ready);
  EXPECT_FALSE(parse_worker_message("READY").ready);
  EXPECT_FALSE(parse_worker_message(" READY=1").ready);
}

TEST(WorkerMessage, AStatusCannotForgeAKey) {
  const std::string text = format(WorkerMessage{.status = "x\nREADY=1"});
  EXPECT_FALSE(parse_worker_message(text).ready);
}

TEST(WorkerMessage, TextsArePrintableAndBounded) {
  EXPECT_EQ(parse_worker_message("STATUS=\x1b[31m\xff").status, "?[31m?");
  const std::string huge(10'000, 'x');
  EXPECT_LE(parse_worker_message("STATUS=" + huge).status->size(), 1024u);
  const WorkerMessage everything{.ready = true, .status = huge, .step = huge, .reason = huge};
  EXPECT_LE(format(everything).size(), kMaxMessageBytes);
}

TEST(WorkerMessage, ExtensionIsBoundedAndNeverNegative) {
  EXPECT_EQ(parse_worker_message("EXTEND_TIMEOUT_USEC=5").extend_timeout, microseconds(5));
  EXPECT_FALSE(parse_worker_message("EXTEND_TIMEOUT_USEC=-5").extend_timeout);
  EXPECT_FALSE(parse_worker_message("EXTEND_TIMEOUT_USEC=soon").extend_timeout);
  EXPECT_EQ(parse_worker_message("EXTEND_TIMEOUT_USEC=18446744073709551615").extend_timeout,
            std::chrono::hours(24 * 365));
}

TEST(WorkerMessage, WhatALaterVersionSaysIsReadAsFarAsItIsKnown) {
  const WorkerMessage message = parse_worker_message(
      "STATE=Hibernating\nMOOD=good\nREADY=1\nLEASE=shared\nCLAIM=x\nRESOURCE=db\n"
      "RESOURCE_STATE=melting\nRESOURCE_COLOUR=red\nRESOURCE_NEED=required\n");
  EXPECT_TRUE(message.ready);
  EXPECT_FALSE(message.state);
  EXPECT_FALSE(message.lease);
  EXPECT_FALSE(message.claim);
  ASSERT_TRUE(message.resource);
  EXPECT_EQ(message.resource->name, "db");
  EXPECT_EQ(message.resource->state, ResourceReport{}.state);
}

TEST(MasterMessage, WhatALaterVersionSaysIsReadAsFarAsItIsKnown) {
  const MasterMessage message =
      parse_master_message("DRAIN=leisurely\nPAUSE=1\nDENIED=7 cleanup\n");
  EXPECT_FALSE(message.drain);
  ASSERT_TRUE(message.claim);
  EXPECT_FALSE(message.claim->granted);
}

TEST(WorkerMessage, GarbageSaysNothing) {
  EXPECT_EQ(parse_worker_message(""), WorkerMessage{});
  EXPECT_EQ(parse_worker_message("\n\n=\n==\nSTATE=Flying\n"), WorkerMessage{});
  EXPECT_EQ(parse_worker_message(std::string(5000, '\n') + "READY=1"), WorkerMessage{});
}

TEST(MasterMessage, SurvivesTheWire) {
  for (const auto kind : {DrainKind::Patient, DrainKind::Prompt}) {
    const MasterMessage message{.drain = kind};
    EXPECT_EQ(parse_master_message(format(message)), message);
  }
  EXPECT_EQ(parse_master_message("DRAIN=never\n"), MasterMessage{});
}

TEST(WorkerState, EveryWordIsReadBack) {
  using enum WorkerState;
  for (const WorkerState state : {Init, Starting, Ready, Running, Shutdown, Error, Failed}) {
    EXPECT_EQ(parse_word<WorkerState>(to_string(state)), state);
  }
  EXPECT_FALSE(parse_word<WorkerState>("running"));
}

}  // namespace
}  // namespace reeve::ipc
