// When workers are asked from outside, and what the answers mean.

#include "supervisor/pool/probing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/supervisor/loop_driver.hpp"

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using Heard = ProbeAnswer::Kind;
using Verdict = ProbeState::Verdict;

TEST(ProbeState, AStartingOneIsAskedAtOnceAndThenLessAndLessOften) {
  TimePoint now(1s);
  ProbeState state(now, 100ms);
  std::vector<Duration> pauses;
  for (int i = 0; i < 5; ++i) {
    pauses.push_back(*state.due() - now);
    now = *state.due();
    state.asked();
    EXPECT_FALSE(state.due()) << "one question at a time";
    EXPECT_EQ(state.take(Heard::Bad, now), Verdict::None);
  }
  EXPECT_THAT(pauses, ElementsAre(0ms, 20ms, 40ms, 80ms, 100ms));
  EXPECT_EQ(state.take(Heard::Good, now), Verdict::Ready);
}

TEST(ProbeState, AServingOneHangsAfterSoManyBadAnswersInARow) {
  TimePoint now(1s);
  ProbeState state(now, 5s, 3);
  EXPECT_EQ(state.due(), now + 5s);
  EXPECT_EQ(state.take(Heard::Bad, now), Verdict::Failing);
  EXPECT_EQ(state.take(Heard::Bad, now), Verdict::Failing);
  EXPECT_EQ(state.take(Heard::Good, now), Verdict::Well) << "they count in a row only";
  EXPECT_EQ(state.take(Heard::Good, now), Verdict::None);
  EXPECT_EQ(state.take(Heard::Bad, now), Verdict::Failing);
  EXPECT_EQ(state.take(Heard::Bad, now), Verdict::Failing);
  EXPECT_EQ(state.take(Heard::Bad, now), Verdict::Hung);
}

TEST(ProbeState, AQuestionThatWasNotPutCountsNeitherWay) {
  ProbeState state(TimePoint(1s), 5s, 2);
  EXPECT_EQ(state.take(Heard::Bad, TimePoint(2s)), Verdict::Failing);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(state.take(Heard::Unknown, TimePoint(3s)), Verdict::None);
  EXPECT_EQ(state.failures(), 1);
  EXPECT_EQ(state.take(Heard::Bad, TimePoint(4s)), Verdict::Hung);
}

class ProbedWorkers : public ::testing::Test {
 protected:
  bool is_asked() {
    return driver_.run_until([this] { return !asked_.empty(); });
  }
  void answer(ProbeAnswer answer) {
    const OnProbeAnswer on_answer = std::exchange(asked_, {}).front().second;
    on_answer(std::move(answer));
  }

  testing::LoopDriver driver_;
  const Probe probe_{.kind = Probe::Kind::Tcp, .port = 80};
  const HealthRule health_{.probe = probe_, .interval = 1ms, .failures = 2};
  std::vector<std::pair<WorkerId, OnProbeAnswer>> asked_;
  std::vector<std::pair<WorkerId, Verdict>> verdicts_;
  Probing probing_{
      driver_.loop,
      {.ask = [this](
                  WorkerId worker, const Probe&,
                  OnProbeAnswer on_answer) { asked_.emplace_back(worker, std::move(on_answer)); },
       .on_verdict = [this](WorkerId worker,
                            Verdict verdict) { verdicts_.emplace_back(worker, verdict); }}};
};

constexpr WorkerId kOne{1};

TEST_F(ProbedWorkers, AreReadyByAnAnswerAndThenAskedHowTheyAre) {
  probing_.update({{.worker = kOne, .probe = &probe_}});
  ASSERT_TRUE(is_asked());
  answer({Heard::Bad, "connection refused"});
  EXPECT_EQ(probing_.last_answer(kOne), "connection refused");
  ASSERT_TRUE(is_asked());
  answer({Heard::Good, ""});
  EXPECT_THAT(verdicts_, ElementsAre(Pair(kOne, Verdict::Ready)));
  probing_.update({{.worker = kOne, .probe = &probe_, .health = &health_}});
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(is_asked());
    answer({Heard::Bad, "status 503"});
  }
  EXPECT_EQ(verdicts_.back(), std::pair(kOne, Verdict::Hung));
}

TEST_F(ProbedWorkers, ALateAnswerToOneThatIsAskedNothingMoreIsDropped) {
  probing_.update({{.worker = kOne, .probe = &probe_}});
  ASSERT_TRUE(is_asked());
  probing_.update({{.worker = kOne}});
  answer({Heard::Good, ""});
  EXPECT_TRUE(verdicts_.empty());
  probing_.update({});
  EXPECT_TRUE(probing_.empty());
}

TEST_F(ProbedWorkers, AnAnswerToAnOlderRuleIsDropped) {
  probing_.update({{.worker = kOne, .probe = &probe_, .health = &health_}});
  ASSERT_TRUE(is_asked());
  const HealthRule other{.probe = probe_, .interval = 1ms, .failures = 1};
  probing_.update({{.worker = kOne, .probe = &probe_, .health = &other}});
  answer({Heard::Bad, "by the old rule"});
  EXPECT_TRUE(verdicts_.empty());
  ASSERT_TRUE(is_asked());
  answer({Heard::Bad, "by the new one"});
  EXPECT_THAT(verdicts_, ElementsAre(Pair(kOne, Verdict::Hung)));
}

}  // namespace
}  // namespace reeve::supervisor
