// The tables of `status --lifespan` and `status --schedule`.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

#include "supervisor/reevectl/render.hpp"

namespace reeve::supervisor::ctl {
namespace {

using namespace std::chrono_literals;
using ipc::ResourceReport;
using ipc::ResourceState;
using ipc::RunResult;
using ipc::ScheduledReport;
using ipc::control::Method;
using ipc::control::Process;
using ipc::control::Reply;
using ipc::control::Resource;

Process serving(const std::string& name, int pid) {
  return {.name = name, .state = "RUNNING", .pid = pid, .uptime = 3723s, .worker_state = "Running"};
}

Resource open(int pid, const std::string& name, std::chrono::microseconds took) {
  return {
      .process = "web:0",
      .pid = pid,
      .report = {.name = name, .state = ResourceState::Open, .phase = "connections", .took = took}};
}

std::string lifespan(const Reply& reply) {
  return render({.method = Method::Status, .lifespan = true}, reply).output;
}

std::string schedule(const Reply& reply) {
  return render({.method = Method::Status, .schedule = true}, reply).output;
}

TEST(RenderLifespan, ShowsEachResourceBelowItsWorkerAndWhatIsNestedBelowWhatHoldsIt) {
  Reply reply{.processes = {serving("web:0", 7)}};
  reply.phases = {{"web:0", 7, "[1/5] environment", 350us, true},
                  {"web:0", 7, "[2/5] connections", 34ms, true}};
  Resource down = open(7, "cache", 0us);
  down.report.state = ResourceState::Down;
  down.report.required = false;
  down.report.detail = "connection refused; next try in 4 s";
  down.since = 61s;
  // Nested ones are open first, and so are told first.
  reply.resources = {open(7, "database/pool", 3ms), open(7, "telemetry", 950us), down,
                     open(7, "database", 12ms), open(8, "of another worker", 1ms)};
  EXPECT_EQ(
      lifespan(reply),
      "web:0                            RUNNING   pid 7, uptime 1:02:03\n"
      "  start: environment 350 us, connections 34 ms\n"
      "  RESOURCE   PHASE        STATE  NEED      TOOK/SINCE  DETAIL\n"
      "  telemetry  connections  open   required  950 us\n"
      "  cache      connections  down   optional  for 61 s    connection refused; next try in "
      "4 s\n"
      "  database   connections  open   required  12 ms\n"
      "    pool     connections  open   required  3 ms\n");
}

TEST(RenderLifespan, WhatClosesShowsForHowLongAndAPhaseThatRunsToo) {
  Reply reply{
      .processes = {{.name = "web:0", .state = "STOPPING", .pid = 7, .worker_state = "Shutdown"}}};
  Resource closing = open(7, "database", 12ms);
  closing.report.state = ResourceState::Closing;
  closing.since = 2500ms;
  Resource closed = open(7, "a/b/c", 1ms);  // Nothing was told of its holder.
  closed.report.state = ResourceState::Closed;
  reply.resources = {closing, closed};
  reply.phases = {{"web:0", 7, "[2/5] connections", 3s, false}};
  EXPECT_EQ(lifespan(reply),
            "web:0                            STOPPING\n"
            "  start: connections for 3.0 s\n"
            "  RESOURCE  PHASE        STATE    NEED      TOOK/SINCE  DETAIL\n"
            "  database  connections  closing  required  for 2.5 s\n"
            "  a/b/c     connections  closed   required  1 ms\n");
}

TEST(RenderLifespan, OfAForeignWorkerItSaysThatItReportsNothing) {
  Process foreign = serving("db:0", 9);
  foreign.worker_state.clear();
  Process boots = foreign;
  boots.name = "db:1";
  boots.state = "STARTING";
  const std::string text = lifespan(
      {.processes = {foreign, boots, {.name = "db:2", .state = "STOPPED"}, serving("db:3", 8)}});
  EXPECT_EQ(text,
            "db:0                             RUNNING   pid 9, uptime 1:02:03\n"
            "  it reports nothing: it is not linked with reeve::worker\n"
            "db:1                             STARTING\n"
            "  it has reported nothing yet\n"
            "db:2                             STOPPED\n"
            "db:3                             RUNNING   pid 8, uptime 1:02:03\n"
            "  no resources\n");
}

TEST(RenderLifespan, EndsAsStatusDoes) {
  const ipc::control::Request request{.method = Method::Status, .lifespan = true};
  EXPECT_EQ(render(request, {.processes = {{.name = "a:0", .state = "STOPPED"}}}).exit_code, 3);
  EXPECT_EQ(render(request, {.processes = {serving("a:0", 1)}, .text = "(and more)"}).exit_code, 0);
  EXPECT_NE(lifespan({.text = "(and more)"}).find("(and more)\n"), std::string::npos);
}

class RenderSchedule : public testing::Test {
 protected:
  RenderSchedule() {
    ::setenv("TZ", "UTC-1", 1);
    ::tzset();
  }
  ~RenderSchedule() override {
    ::unsetenv("TZ");
    ::tzset();
  }
};

TEST_F(RenderSchedule, ShowsScopeOneOnceByWhoRunsItAndScopeEachForEachWorker) {
  Reply reply{.processes = {serving("web:0", 7), serving("web:1", 8)}};
  const ScheduledReport waiting{.name = "cleanup",
                                .schedule = "*/5 * * * *",
                                .scope = ipc::ScheduleScope::One,
                                .next = ScheduledReport::WallTime(1'767'222'000'000ms)};
  ScheduledReport runs = waiting;
  runs.here = true;
  runs.last = ScheduledReport::WallTime(1'767'221'700'000ms);
  runs.took = 1234ms;
  runs.result = RunResult::Failed;
  runs.running = 1;
  runs.detail = "no disk";
  const ScheduledReport beat{.name = "beat", .schedule = "every 1 s", .here = true};
  ScheduledReport orphan = waiting;
  orphan.name = "orphan";
  reply.schedule = {{"web:0", 7, waiting}, {"web:0", 7, beat}, {"web:0", 7, orphan},
                    {"web:1", 8, runs},    {"web:1", 8, beat}, {"web:1", 8, orphan}};
  EXPECT_EQ(schedule(reply),
            "NAME     WORKER  SCOPE  SCHEDULE     NEXT                 LAST                 TOOK   "
            "RESULT  "
            "RUNNING\n"
            "cleanup  web:1   one    */5 * * * *  2026-01-01T00:00:00  2025-12-31T23:55:00  1.2 s  "
            "failed  "
            "1        no disk\n"
            "beat     web:0   each   every 1 s    -                    -                    -      "
            "-       "
            "0\n"
            "orphan   nobody  one    */5 * * * *  2026-01-01T00:00:00  -                    -      "
            "-       "
            "0\n"
            "beat     web:1   each   every 1 s    -                    -                    -      "
            "-       "
            "0\n");
}

TEST_F(RenderSchedule, WithoutAnyItSaysSo) {
  EXPECT_EQ(schedule({.processes = {serving("web:0", 7)}}),
            "no worker has reported a scheduled job\n");
}

}  // namespace
}  // namespace reeve::supervisor::ctl
