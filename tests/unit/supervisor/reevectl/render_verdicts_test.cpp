// What supervisorctl 4.2 prints and returns for reread, update, add, remove, avail and clear.

#include <gtest/gtest.h>

#include "supervisor/reevectl/render.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Method;
using ipc::control::Verdict;

Rendering shown(Method method, std::vector<Verdict> verdicts) {
  return render({.method = method}, {.verdicts = std::move(verdicts)});
}

Verdict done(const std::string& name, const std::string& code) {
  return {.name = name, .ok = true, .code = code, .text = ""};
}

Verdict refused(const std::string& name, const std::string& code) {
  return {.name = name, .ok = false, .code = code, .text = ""};
}

TEST(RenderPools, RereadListsChangesByName) {
  EXPECT_EQ(
      shown(Method::Reread, {done("web", "changed"), done("db", "removed"), done("api", "added")}),
      (Rendering{.output = "api: available\ndb: disappeared\nweb: changed\n"}));
  EXPECT_EQ(shown(Method::Reread, {}), (Rendering{.output = "No config updates to processes\n"}));
}

TEST(RenderPools, UpdateSaysWhatItDid) {
  EXPECT_EQ(
      shown(Method::Update, {done("db", "removed"), done("web", "updated"), done("api", "added")}),
      (Rendering{.output = "db: stopped\ndb: removed process group\n"
                           "web: updated process group\napi: added process group\n"}));
  EXPECT_EQ(shown(Method::Update, {}), (Rendering{}));
  EXPECT_EQ(shown(Method::Update, {refused("wbe", "no_such_process")}),
            (Rendering{.output = "ERROR: no such group: wbe\n", .exit_code = 1}));
}

TEST(RenderPools, AFailedUpdateSaysWhyAndFails) {
  Verdict failed = refused("web", "roll_failed");
  failed.text = "web:0 exited with code 3\nbad port";
  EXPECT_EQ(shown(Method::Update, {failed, done("api", "added")}),
            (Rendering{.output = "web: ERROR (roll failed): web:0 exited with code 3\n  bad port\n"
                                 "api: added process group\n",
                       .exit_code = 1}));
}

TEST(RenderPools, ProgressOfAnUpdateIsNoAnswerYet) {
  EXPECT_EQ(render({.method = Method::Update}, {.continues = true, .text = "web: rolling"}),
            (Rendering{.output = "web: rolling\n"}));
  EXPECT_EQ(render({.method = Method::Reread}, {.continues = true}), (Rendering{}));
}

TEST(RenderPools, AddAndRemove) {
  EXPECT_EQ(shown(Method::Add, {done("web", "added")}),
            (Rendering{.output = "web: added process group\n"}));
  EXPECT_EQ(shown(Method::Add, {refused("web", "already_added")}),
            (Rendering{.output = "ERROR: process group already active\n"}));
  EXPECT_EQ(shown(Method::Add, {refused("wbe", "no_such_process")}),
            (Rendering{.output = "ERROR: no such process/group: wbe\n", .exit_code = 1}));
  EXPECT_EQ(shown(Method::Remove, {done("web", "removed")}),
            (Rendering{.output = "web: removed process group\n"}));
  EXPECT_EQ(shown(Method::Remove, {refused("web", "still_running")}),
            (Rendering{.output = "ERROR: process/group still running: web\n", .exit_code = 1}));
  EXPECT_EQ(shown(Method::Remove, {refused("wbe", "no_such_process")}),
            (Rendering{.output = "ERROR: no such process/group: wbe\n", .exit_code = 1}));
}

TEST(RenderPools, TheRemedyStandsBelowSupervisorctlsLine) {
  Verdict running = refused("web", "still_running");
  running.text = "stop it first: reevectl stop web";
  EXPECT_EQ(shown(Method::Remove, {running}).output,
            "ERROR: process/group still running: web\n  stop it first: reevectl stop web\n");
}

TEST(RenderPools, AvailHasSupervisorctlsColumns) {
  EXPECT_EQ(
      shown(Method::Avail, {done("web", "in_use"), done("new", "avail")}),
      (Rendering{.output = "web                              in use    auto      999:999\n"
                           "new                              avail     auto      999:999\n"}));
}

TEST(RenderPools, Clear) {
  EXPECT_EQ(shown(Method::Clear, {done("web:0", "cleared")}),
            (Rendering{.output = "web:0: cleared\n"}));
  EXPECT_EQ(shown(Method::Clear, {refused("wbe", "no_such_process")}),
            (Rendering{.output = "wbe: ERROR (no such process)\n", .exit_code = 1}));
}

}  // namespace
}  // namespace reeve::supervisor::ctl
