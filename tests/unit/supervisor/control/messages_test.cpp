// Names that operators give, verdicts that they get, and what the log says of a kill.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "supervisor/control/names.hpp"
#include "supervisor/control/pending_commands.hpp"
#include "supervisor/control/verdicts.hpp"
#include "supervisor/master/commands.hpp"
#include "supervisor/postmortem/kills.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<KnownPool> kKnown = {{"web", 3}, {"jobs", 1}};

TEST(Names, NoneAndAllMeanEveryPool) {
  for (const auto& names : {std::vector<std::string>{}, std::vector<std::string>{"all"}}) {
    EXPECT_THAT(resolve_names(names, kKnown).targets,
                ElementsAre(Target{"web", {}}, Target{"jobs", {}}));
  }
}

TEST(Names, APoolHasThreeSpellings) {
  for (const char* name : {"web", "web:", "web:*"}) {
    EXPECT_THAT(resolve_names({name}, kKnown).targets, ElementsAre(Target{"web", {}})) << name;
  }
}

TEST(Names, SlotsOfOnePoolAreOneTarget) {
  EXPECT_THAT(resolve_names({"web:2", "web:0"}, kKnown).targets,
              ElementsAre(Target{"web", {0, 2}}));
}

TEST(Names, AWholePoolSwallowsItsSlots) {
  EXPECT_THAT(resolve_names({"web:2", "web"}, kKnown).targets, ElementsAre(Target{"web", {}}));
}

TEST(Names, AnUnknownPoolIsAnsweredWithTheNearest) {
  const ResolvedNames resolved = resolve_names({"wbe", "jobs"}, kKnown);
  EXPECT_THAT(resolved.targets, ElementsAre(Target{"jobs", {}}));
  ASSERT_EQ(resolved.unknown.size(), 1U);
  EXPECT_EQ(resolved.unknown[0].code, "no_such_process");
  EXPECT_EQ(resolved.unknown[0].text, "no pool named \"wbe\" (did you mean \"web\"?)");
}

TEST(Names, AnUnknownSlotIsAnsweredWithTheRange) {
  for (const char* name : {"web:3", "web:-1", "web:x", "web:99999999999"}) {
    const ResolvedNames resolved = resolve_names({name}, kKnown);
    EXPECT_THAT(resolved.targets, IsEmpty()) << name;
    ASSERT_EQ(resolved.unknown.size(), 1U) << name;
    EXPECT_EQ(resolved.unknown[0].text, "web has 3 processes, web:0 to web:2");
  }
}

TEST(Verdict, NamesTheSlotAndEndsWithTheLastLines) {
  const auto verdict =
      render("web", 3, {2, Outcome::SpawnError, "exited with code 3", {}}, {"no redis", "bye"});
  EXPECT_EQ(verdict.name, "web:2");
  EXPECT_EQ(verdict.code, "spawn_error");
  EXPECT_FALSE(verdict.ok);
  EXPECT_EQ(verdict.text, "exited with code 3; its last lines:\n  no redis\n  bye");
  EXPECT_EQ(one_line(verdict), "web:2: spawn_error: exited with code 3");
}

TEST(Verdict, AboutAPoolHasItsName) {
  const auto verdict =
      render("web", 3, {std::nullopt, Outcome::Rolled, "generation 2 serves", {}}, {});
  EXPECT_EQ(verdict.name, "web");
  EXPECT_TRUE(verdict.ok);
}

TEST(PendingCommands, AnswersOnceWhenThePartsAreThere) {
  PendingCommands pending;
  std::vector<Verdicts> answers;
  const CommandId id = pending.open(2, [&](Verdicts verdicts) { answers.push_back(verdicts); });
  pending.settle(id, {no_such_process("a", "")});
  EXPECT_THAT(answers, IsEmpty());
  pending.settle(id, {no_such_process("b", "")});
  pending.settle(id, {no_such_process("late", "")});
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].size(), 2U);
}

TEST(PendingCommands, MayBeUsedFromAnAnswer) {
  PendingCommands pending;
  bool second = false;
  const CommandId first = pending.open(1, [&](const Verdicts&) {
    pending.settle(pending.open(1, [&](const Verdicts&) { second = true; }), {});
  });
  pending.settle(first, {});
  EXPECT_TRUE(second);
}

TEST(KillReport, SaysWhoWhySinceWhenAndWhatItWasDoing) {
  ipc::RecorderReading reading;
  reading.in_flight = 1;
  reading.oldest = {{"GET /slow", std::chrono::seconds(31)}};
  const auto lines = kill_report({.pid = 1234,
                                  .reason = KillReason::GraceExpired,
                                  .waited = std::chrono::seconds(30),
                                  .recorder = reading,
                                  .step = "",
                                  .status_text = "busy",
                                  .last_line = "",
                                  .found = {"the loop thread spins: 98 % CPU"}});
  EXPECT_THAT(lines, ElementsAre("killing pid 1234 and its group: its drain took longer than the "
                                 "grace (it was told to stop 30 s ago)",
                                 HasSubstr("what it was doing: 1 request in flight, GET /slow"),
                                 "its last status: busy", "the loop thread spins: 98 % CPU"));
}

TEST(KillReport, OfAForeignWorkerEndsWithItsLastLine) {
  const auto lines = kill_report({.pid = 1,
                                  .reason = KillReason::StartTimeout,
                                  .waited = std::chrono::seconds(2),
                                  .recorder = {},
                                  .step = "",
                                  .status_text = "",
                                  .last_line = "loading"});
  EXPECT_THAT(lines, ElementsAre(HasSubstr("it was started 2 s ago"), "its last line: loading"));
}

TEST(KillReport, OfASilentWorkerSaysSo) {
  KillFacts facts;
  EXPECT_THAT(kill_report(facts), ElementsAre(HasSubstr("killing"), HasSubstr("unknown")));
}

TEST(SignalNumber, TakesNamesAndNumbers) {
  EXPECT_EQ(signal_number("HUP"), 1);
  EXPECT_EQ(signal_number("SIGHUP"), 1);
  EXPECT_EQ(signal_number("15"), 15);
  EXPECT_EQ(signal_number("0"), 0);
  EXPECT_EQ(signal_number("9999"), 0);
  EXPECT_EQ(signal_number("HUPP"), 0);
  EXPECT_EQ(signal_number(""), 0);
}

}  // namespace
}  // namespace reeve::supervisor
