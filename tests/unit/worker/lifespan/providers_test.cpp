#include "reeve/providers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/lifespan/provider_choice.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ProviderChoice, TriesTheBestFirstUntilOneWorks) {
  ProviderChoice choice({"a", "b", "c"});
  EXPECT_THAT(choice.round(), ElementsAre(0, 1, 2));
  EXPECT_TRUE(choice.in_trouble());
  choice.fails(0, "refused");
  choice.works(1);
  EXPECT_EQ(choice.text(), "choice: b (a: refused)");
  EXPECT_FALSE(choice.in_trouble());
  EXPECT_FALSE(choice.settled());
  EXPECT_THAT(choice.round(), ElementsAre(0)) << "only what is better";
  choice.works(0);
  EXPECT_EQ(choice.text(), "choice: a");
  EXPECT_TRUE(choice.settled());
  EXPECT_THAT(choice.round(), IsEmpty());
}

TEST(ProviderChoice, AChoiceThatFailsIsTriedLast) {
  ProviderChoice choice({"a", "b", "c"});
  choice.fails(0, "refused");
  choice.works(1);
  choice.choice_fails("500");
  EXPECT_TRUE(choice.in_trouble());
  EXPECT_THAT(choice.round(), ElementsAre(0, 2, 1));
  EXPECT_EQ(choice.reasons(), "a: refused; b: 500");
  choice.works(2);
  EXPECT_EQ(choice.text(), "choice: c (a: refused; b: 500)");
}

TEST(ProviderChoice, NothingThatWorksKeepsTheLastChoice) {
  ProviderChoice choice({"a", "b"});
  choice.works(0);
  choice.choice_fails("");
  choice.fails(1, "gone");
  choice.fails(0, "gone too");
  EXPECT_EQ(choice.chosen(), 0U);
  EXPECT_TRUE(choice.in_trouble());
  EXPECT_EQ(choice.reasons(), "a: gone too; b: gone");
}

TEST(ProviderChoice, PausesLongerWhileNothingWorks) {
  EXPECT_EQ(ProviderChoice::pause(0, 30s), 30s);
  EXPECT_EQ(ProviderChoice::pause(1, 30s), 1s);
  EXPECT_EQ(ProviderChoice::pause(3, 30s), 4s);
  EXPECT_EQ(ProviderChoice::pause(1000, 30s), 30s);
  EXPECT_EQ(ProviderChoice::pause(1, 10ms), 10ms);
}

struct Model {
  explicit Model(std::string of) : name(std::move(of)) {}
  virtual ~Model() = default;
  std::string name;
};
struct Remote final : Model {
  Remote() : Model("remote") {}
};

class ProvidersTest : public RuntimeFixture {
 protected:
  ProvidersTest() { plan->options.retry = 1ms; }

  /// Opens what `builder` was given. Throws what the open throws.
  Provider<Model>& open() {
    auto note = [this](std::string text) {
      notes.push_back(std::move(text));
      if (notes.size() == awaited) loop.stop();
    };
    auto outcome = run(detail::open_as<Provider<Model>>(plan, state, note));
    if (!outcome) std::rethrow_exception(outcome.error());
    return state.put(std::move(*outcome));
  }
  void await_notes(std::size_t count) {
    awaited = count;
    if (notes.size() < count) run_loop();
  }
  void TearDown() override {
    if (auto* provider = state.find<Provider<Model>>()) provider->close();
  }

  std::shared_ptr<detail::ProviderPlan> plan = std::make_shared<detail::ProviderPlan>();
  ProviderBuilder<Model> builder{plan};
  State state;
  std::vector<std::string> notes;
  std::size_t awaited = 0;
};

TEST_F(ProvidersTest, TheFirstThatWorksIsTaken) {
  builder
      .candidate("refuses", []() -> std::unique_ptr<Model> { throw std::runtime_error("refused"); })
      .candidate(
          "fails its trial", [] { return Model("bad"); },
          [](Model& model) { throw std::runtime_error("no answer of " + model.name); })
      .candidate(
          "hangs", [] { return Model("slow"); }, [](Model&) -> Task<> { co_await sleep_for(1h); },
          5ms)
      .candidate("remote",
                 []() -> Task<std::unique_ptr<Remote>> { co_return std::make_unique<Remote>(); });
  plan->options.retry = 1h;
  const Provider<Model>& provider = open();
  EXPECT_EQ(provider.get()->name, "remote");
  EXPECT_THAT(provider.choice(), HasSubstr("choice: remote (refuses: refused; fails its trial: no "
                                           "answer of bad; hangs: not done within 5"));
  EXPECT_THAT(notes, ElementsAre(provider.choice()));
  EXPECT_EQ(provider.trouble(), "");
}

TEST_F(ProvidersTest, NoneThatWorksIsAFailureThatNamesEachReason) {
  builder.candidate("one", []() -> std::unique_ptr<Model> { throw std::runtime_error("refused"); })
      .candidate("two", [] { return std::unique_ptr<Model>(); });
  try {
    open();
    ADD_FAILURE() << "it opened";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "one: refused; two: its open function returned nothing");
  }
}

TEST_F(ProvidersTest, ABetterOneIsTakenWhenItComesBack) {
  int attempts = 0;
  builder
      .candidate("first",
                 [&]() -> Task<Model> {
                   if (++attempts < 3) throw std::runtime_error("down");
                   co_return Model("first");
                 })
      .candidate("second", [] { return Model("second"); });
  const Provider<Model>& provider = open();
  const auto held = provider.get();
  EXPECT_EQ(held->name, "second");
  await_notes(2);
  EXPECT_EQ(provider.get()->name, "first");
  EXPECT_EQ(held->name, "second") << "who holds it may go on with it";
  EXPECT_THAT(notes, ElementsAre("choice: second (first: down)", "choice: first"));
  EXPECT_EQ(attempts, 3);
}

TEST_F(ProvidersTest, AReportedFailureChoosesAgainAtOnceFromAnyThread) {
  plan->options.retry = 1h;
  builder.candidate("first", [] { return Model("first"); }).candidate("second", [] {
    return Model("second");
  });
  Provider<Model>& provider = open();
  EXPECT_EQ(provider.get()->name, "first");
  std::thread([&] { provider.report_failure("500"); }).join();
  await_notes(2);
  EXPECT_EQ(provider.get()->name, "second");
  EXPECT_EQ(notes.back(), "choice: second (first: 500)");
}

TEST_F(ProvidersTest, WhenNothingWorksAnyMoreTheLastChoiceStaysAndIsTriedAgain) {
  bool works = true;
  builder.candidate("only", [&]() -> Task<Model> {
    if (!works) throw std::runtime_error("down");
    co_return Model("only");
  });
  Provider<Model>& provider = open();
  works = false;
  provider.report_failure("500");
  await_notes(2);
  EXPECT_EQ(provider.trouble(), "only: down");
  EXPECT_EQ(provider.get()->name, "only");
  works = true;
  await_notes(3);
  EXPECT_EQ(provider.trouble(), "");
  EXPECT_EQ(notes.back(), "choice: only");
}

TEST_F(ProvidersTest, AnAttemptThatWasLeftBehindIsNotJoinedByAnother) {
  std::latch leave(1);
  std::atomic<int> attempts = 0;
  builder
      .candidate(
          "stuck", [] { return Model("stuck"); },
          [&](Model&) {
            ++attempts;
            leave.wait();
          },
          5ms)
      .candidate("local", [] { return Model("local"); });
  open();
  await_notes(2);
  EXPECT_EQ(notes.back(), "choice: local (stuck: its last attempt has not ended yet)");
  EXPECT_EQ(attempts, 1);
  leave.count_down();
  await_notes(3);
  EXPECT_EQ(notes.back(), "choice: stuck");
}

TEST_F(ProvidersTest, CloseEndsAnAttemptThatRuns) {
  bool unwound = false;
  int attempts = 0;
  builder
      .candidate(
          "first",
          [&]() -> Task<Model> {
            if (++attempts == 1) throw std::runtime_error("down");
            struct Unwound {
              bool& flag;
              ~Unwound() { flag = true; }
            } const guard{unwound};
            loop.stop();
            co_await sleep_for(1h);
            co_return Model("first");
          },
          1h)
      .candidate("second", [] { return Model("second"); });
  Provider<Model>& provider = open();
  run_loop();
  EXPECT_FALSE(unwound);
  provider.close();
  EXPECT_TRUE(unwound);
  EXPECT_EQ(provider.get()->name, "second");
}

TEST_F(ProvidersTest, AFixedOneIsForTests) {
  Provider<Model> provider(std::make_shared<Model>("fake"));
  EXPECT_EQ(provider.get()->name, "fake");
  provider.report_failure("500");
  EXPECT_EQ(provider.trouble(), "");
  provider.close();
}

}  // namespace
}  // namespace reeve::worker
