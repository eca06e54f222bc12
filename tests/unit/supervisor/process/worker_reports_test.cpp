// What the master keeps of what a worker tells of its inside.
#include "supervisor/process/worker_reports.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ipc::ResourceReport;
using ipc::ResourceState;
using ipc::TimePoint;

constexpr TimePoint kStart{1h};

ipc::WorkerMessage resource(std::string name, ResourceState state, std::string detail = {}) {
  return {.resource =
              ResourceReport{.name = std::move(name), .state = state, .detail = std::move(detail)}};
}

TEST(WorkerReports, SinceIsWhenTheStateChanged) {
  WorkerReports reports;
  reports.on_message(resource("db", ResourceState::Opening), kStart);
  reports.on_message(resource("db", ResourceState::Closing), kStart + 1s);
  reports.on_message(resource("db", ResourceState::Closing, "3 clients left"), kStart + 9s);
  ASSERT_EQ(reports.state().resources.size(), 1U);
  const KnownResource& db = reports.state().resources[0];
  EXPECT_EQ(db.since, kStart + 1s) << "told again, it has been closing all the time";
  EXPECT_EQ(db.report.detail, "3 clients left");
}

TEST(WorkerReports, WhatIsScheduledIsKnownByItsName) {
  WorkerReports reports;
  reports.on_message({.scheduled = ipc::ScheduledReport{.name = "a", .running = 1}}, kStart);
  reports.on_message({.scheduled = ipc::ScheduledReport{.name = "b"}}, kStart);
  reports.on_message({.scheduled = ipc::ScheduledReport{.name = "a", .running = 0}}, kStart);
  ASSERT_EQ(reports.state().scheduled.size(), 2U);
  EXPECT_EQ(reports.state().scheduled[0].running, 0);
}

TEST(WorkerReports, AWorkerCannotFillTheMaster) {
  WorkerReports reports;
  for (int i = 0; i < 1000; ++i) {
    reports.on_message(resource(fmt::format("r{}", i), ResourceState::Open), kStart);
    reports.on_message({.scheduled = ipc::ScheduledReport{.name = fmt::format("j{}", i)}}, kStart);
    reports.on_message({.step = fmt::format("[{}/5] phase {}", i % 5 + 1, i)}, kStart);
  }
  EXPECT_EQ(reports.state().resources.size(), WorkerReports::kMostResources);
  EXPECT_EQ(reports.state().scheduled.size(), WorkerReports::kMostScheduled);
  EXPECT_EQ(reports.state().phases.size(), WorkerReports::kMostPhases);
  reports.on_message(resource("r0", ResourceState::Closed), kStart);
  EXPECT_EQ(reports.state().resources[0].report.state, ResourceState::Closed)
      << "those that are known go on";

  WorkerReports::State too_much = reports.state();
  too_much.resources.resize(1000);
  EXPECT_EQ(WorkerReports(too_much).state().resources.size(), WorkerReports::kMostResources);
}

TEST(WorkerReports, PhasesEndWithTheNextOneOrWhenItIsReady) {
  WorkerReports reports;
  reports.on_message({.step = "[1/5] environment"}, kStart);
  reports.on_message({.step = "[2/5] connections"}, kStart + 1ms);
  reports.on_message({.step = "[2/5] connections: opening db"}, kStart + 2ms);
  reports.on_message({.step = "db: closing"}, kStart + 3ms);
  EXPECT_EQ(reports.state().phases,
            (std::vector<KnownPhase>{{"[1/5] environment", kStart, kStart + 1ms},
                                     {"[2/5] connections", kStart + 1ms, std::nullopt}}));
  reports.on_message({.ready = true}, kStart + 30ms);
  EXPECT_EQ(reports.state().phases[1].ended, kStart + 30ms);
}

}  // namespace
}  // namespace reeve::supervisor
