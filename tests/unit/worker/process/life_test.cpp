#include "worker/process/life.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace reeve::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum LifeEvent;
using Action = LifeAction;

constexpr LifeEvent kEvents[] = {Opened, OpenFailed, DrainPatient, DrainPrompt,
                                 Hurry,  Drained,    GraceSpent,   Closed};

Life after(const std::vector<LifeEvent>& events) {
  Life life;
  for (const LifeEvent event : events) (void)life.on(event);
  return life;
}

/// The events that change nothing and ask for nothing in a state.
std::vector<LifeEvent> ignored_after(const std::vector<LifeEvent>& events) {
  std::vector<LifeEvent> ignored;
  for (const LifeEvent event : kEvents) {
    Life life = after(events);
    const LifeState before = life.state();
    if (life.on(event).empty() && life.state() == before) ignored.push_back(event);
  }
  return ignored;
}

TEST(Life, ServesOnceEverythingIsOpen) {
  Life life;
  EXPECT_EQ(life.state(), LifeState::Starting);
  EXPECT_THAT(life.on(Opened), ElementsAre(Action::AnnounceReady));
  EXPECT_EQ(life.state(), LifeState::Serving);
}

TEST(Life, FailedStartClosesWhatWasOpen) {
  Life life;
  EXPECT_THAT(life.on(OpenFailed), ElementsAre(Action::CloseResources));
  EXPECT_EQ(life.state(), LifeState::Closing);
  EXPECT_THAT(life.on(Closed), ElementsAre(Action::Exit));
}

TEST(Life, StopWhileStartingCancelsTheOpening) {
  for (const LifeEvent stop : {DrainPatient, DrainPrompt, Hurry}) {
    Life life;
    EXPECT_THAT(life.on(stop), ElementsAre(Action::CancelOpening, Action::CloseResources));
    EXPECT_THAT(life.on(OpenFailed), IsEmpty()) << "the cancel reports itself as a failure";
    EXPECT_THAT(life.on(Closed), ElementsAre(Action::Exit));
  }
}

TEST(Life, DrainIsBoundedFromItsFirstMoment) {
  EXPECT_THAT(after({Opened}).on(DrainPatient),
              ElementsAre(Action::ArmGrace, Action::DrainPatiently));
  EXPECT_THAT(after({Opened}).on(DrainPrompt),
              ElementsAre(Action::ArmGrace, Action::DrainPromptly));
}

TEST(Life, PatientDrainTurnsPromptButNeverBack) {
  Life life = after({Opened, DrainPatient});
  EXPECT_THAT(life.on(DrainPrompt), ElementsAre(Action::DrainPromptly));
  EXPECT_THAT(life.on(DrainPatient), IsEmpty());
  EXPECT_EQ(life.state(), LifeState::Draining);
}

TEST(Life, DrainedWorkerClosesAndExitsWithZero) {
  Life life = after({Opened, DrainPrompt});
  EXPECT_THAT(life.on(Drained), ElementsAre(Action::CloseResources));
  EXPECT_THAT(life.on(Closed), ElementsAre(Action::Exit));
  EXPECT_EQ(life.state(), LifeState::Ended);
}

TEST(Life, SpentGraceCancelsButStillClosesResources) {
  for (const LifeEvent end : {GraceSpent, Hurry}) {
    Life life = after({Opened, DrainPrompt});
    EXPECT_THAT(life.on(end), ElementsAre(Action::CancelRequests, Action::CloseResources));
    EXPECT_THAT(life.on(Drained), IsEmpty()) << "the cancel drains the server";
    EXPECT_THAT(life.on(Closed), ElementsAre(Action::Exit));
  }
}

TEST(Life, HurryWhileServingSkipsTheDrain) {
  EXPECT_THAT(after({Opened}).on(Hurry),
              ElementsAre(Action::CancelRequests, Action::CloseResources));
}

TEST(Life, UnexpectedEventsChangeNothing) {
  EXPECT_THAT(ignored_after({}), ElementsAre(Drained, GraceSpent, Closed));
  EXPECT_THAT(ignored_after({Opened}),
              ElementsAre(Opened, OpenFailed, Drained, GraceSpent, Closed));
  EXPECT_THAT(ignored_after({Opened, DrainPatient}),
              ElementsAre(Opened, OpenFailed, DrainPatient, Closed));
  EXPECT_THAT(ignored_after({Opened, Hurry}), ElementsAre(Opened, OpenFailed, DrainPatient,
                                                          DrainPrompt, Hurry, Drained, GraceSpent));
  EXPECT_THAT(ignored_after({Opened, Hurry, Closed}), ::testing::ElementsAreArray(kEvents));
}

}  // namespace
}  // namespace reeve::worker
