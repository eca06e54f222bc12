#include "reeve/channel.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reeve/combine.hpp"
#include "reeve/wait.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ChannelTest = RuntimeFixture;
using Lines = std::vector<std::string>;

Task<> send_range(Channel<int>& channel, int first, int end) {
  for (int i = first; i < end; ++i) co_await channel.send(i);
}

Task<std::vector<int>> receive_all(Channel<int>& channel) {
  std::vector<int> received;
  while (const auto value = co_await channel.receive()) received.push_back(*value);
  co_return received;
}

/// A task that writes down what its receive ended with.
Task<> note_receive(Channel<int>& channel, Lines& lines, std::string name) {
  try {
    const std::optional<int> value = co_await channel.receive();
    lines.push_back(name + (value ? " " + std::to_string(*value) : " end"));
  } catch (const Cancelled&) {
    lines.push_back(name + " cancelled");
  }
}

Task<> note_send(Channel<int>& channel, Lines& lines, int value) {
  const std::string name = "send " + std::to_string(value);
  try {
    co_await channel.send(value);
    lines.push_back(name + " sent");
  } catch (const std::exception& error) {
    lines.push_back(name + " " + error.what());
  }
}

const auto kIgnore = [](const auto&) {};

/// Lets what was woken run.
class ChannelTurnTest : public RuntimeFixture {
 protected:
  void turn() {
    const auto some = []() -> Task<> {
      for (int i = 0; i < 3; ++i) co_await yield();
    };
    ASSERT_TRUE(run(some()));
  }
  Spawned receive(std::string name) {
    return spawn(context, note_receive(channel, lines, std::move(name)), kIgnore);
  }
  Spawned send(int value) { return spawn(context, note_send(channel, lines, value), kIgnore); }

  Channel<int> channel{1};
  Lines lines;
};

TEST_F(ChannelTest, HandsOverInOrderThroughEveryCapacity) {
  for (const std::size_t capacity : {0U, 1U, 3U, 1000U}) {
    const auto work = [](std::size_t size) -> Task<std::vector<int>> {
      Channel<int> channel(size);
      const auto produce = [](Channel<int>& out) -> Task<> {
        co_await send_range(out, 0, 100);
        out.close();
      };
      auto [nothing, received] = co_await when_all(produce(channel), receive_all(channel));
      EXPECT_EQ(channel.size(), 0U);
      co_return received;
    };
    const std::vector<int> received = run(work(capacity)).value();
    ASSERT_EQ(received.size(), 100U) << "capacity " << capacity;
    for (int i = 0; i < 100; ++i) EXPECT_EQ(received[static_cast<std::size_t>(i)], i);
  }
}

TEST_F(ChannelTest, CarriesMoveOnlyValues) {
  const auto work = []() -> Task<int> {
    Channel<std::unique_ptr<int>> channel(1);
    co_await channel.send(std::make_unique<int>(7));
    auto value = co_await channel.receive();
    co_return **value;
  };
  EXPECT_EQ(run(work()).value(), 7);
}

TEST_F(ChannelTurnTest, ASenderWaitsWhileItIsFullAndIsServedInItsTurn) {
  send(1), send(2), send(3);
  EXPECT_EQ(lines, (Lines{"send 1 sent"}));
  EXPECT_FALSE(channel.try_send(4));  // A send may not overtake.
  receive("a");
  turn();
  EXPECT_EQ(lines, (Lines{"send 1 sent", "a 1", "send 2 sent"}));
  EXPECT_EQ(channel.size(), 1U);
}

TEST_F(ChannelTurnTest, ReceiversAreServedInTheirTurn) {
  receive("a"), receive("b");
  EXPECT_TRUE(channel.try_send(1));
  EXPECT_TRUE(channel.try_send(2));
  EXPECT_TRUE(lines.empty());  // The receivers go on in the next turn of the loop.
  turn();
  EXPECT_EQ(lines, (Lines{"a 1", "b 2"}));
}

TEST_F(ChannelTurnTest, CloseLetsTheReceiversDrainItAndRefusesTheSenders) {
  send(1), send(2);
  channel.close();
  channel.close();
  EXPECT_TRUE(channel.closed());
  turn();
  EXPECT_EQ(lines, (Lines{"send 1 sent", "send 2 the channel is closed"}));
  lines.clear();
  send(3);
  EXPECT_FALSE(channel.try_send(4));
  receive("a"), receive("b");
  turn();
  EXPECT_EQ(lines, (Lines{"send 3 the channel is closed", "a 1", "b end"}));
}

TEST_F(ChannelTurnTest, CloseEndsTheWaitingReceivers) {
  receive("a"), receive("b");
  channel.close();
  turn();
  EXPECT_EQ(lines, (Lines{"a end", "b end"}));
}

TEST_F(ChannelTurnTest, ACancelledReceiverTakesNothing) {
  Spawned first = receive("a");
  receive("b");
  first.cancel();
  EXPECT_TRUE(channel.try_send(1));
  turn();
  EXPECT_EQ(lines, (Lines{"a cancelled", "b 1"}));
}

TEST_F(ChannelTurnTest, ACancelledSenderHasSentNothing) {
  send(1);
  Spawned second = send(2);
  second.cancel();
  receive("a"), receive("b");
  turn();
  EXPECT_EQ(lines, (Lines{"send 1 sent", "send 2 cancelled", "a 1"}));
}

TEST_F(ChannelTurnTest, AReceiverThatIsCancelledAfterItWasServedGivesTheValueToTheNext) {
  Spawned first = receive("a");
  EXPECT_TRUE(channel.try_send(1));
  first.cancel();
  EXPECT_EQ(lines, (Lines{"a cancelled"}));
  EXPECT_EQ(channel.size(), 1U);
  receive("b");
  turn();
  EXPECT_EQ(lines, (Lines{"a cancelled", "b 1"}));
}

TEST_F(ChannelTurnTest, NobodyIsToldThatItIsDrainedWhileAValueMayStillComeBack) {
  Spawned first = receive("a");
  receive("b"), receive("c");
  EXPECT_TRUE(channel.try_send(1));
  channel.close();
  first.cancel();
  turn();
  EXPECT_EQ(lines, (Lines{"a cancelled", "b 1", "c end"}));
}

TEST_F(ChannelTurnTest, ASenderThatIsCancelledAfterItWasServedHasSent) {
  send(1);
  Spawned second = send(2);
  receive("a");
  second.cancel();
  EXPECT_EQ(lines, (Lines{"send 1 sent", "a 1", "send 2 sent"}));
  EXPECT_EQ(channel.size(), 1U);
}

TEST_F(ChannelTurnTest, ItsDeathEndsWhoeverWaits) {
  auto mortal = std::make_unique<Channel<int>>(1);
  Channel<int>& other = *mortal;
  spawn(context, note_receive(other, lines, "a"), kIgnore);
  spawn(context, note_receive(other, lines, "b"), kIgnore);
  EXPECT_TRUE(other.try_send(1));
  mortal.reset();
  turn();
  EXPECT_EQ(lines, (Lines{"a 1", "b end"}));
  EXPECT_EQ(context.roots(), 0U);
}

TEST_F(ChannelTurnTest, ItsDeathRefusesWhoeverSends) {
  auto mortal = std::make_unique<Channel<int>>(0);
  spawn(context, note_send(*mortal, lines, 1), kIgnore);
  mortal.reset();
  turn();
  EXPECT_EQ(lines, (Lines{"send 1 the channel is closed"}));
}

TEST(Channel, DestroyedTasksLeaveIt) {
  ipc::uv::Loop loop;
  ThreadPool threads(loop);
  Channel<int> channel(1);
  Lines lines;
  {
    Context context(loop, threads);
    spawn(context, note_receive(channel, lines, "a"), kIgnore);
    spawn(context, note_receive(channel, lines, "b"), kIgnore);
    EXPECT_TRUE(channel.try_send(1));  // Served to a, which never sees it.
  }
  EXPECT_TRUE(lines.empty());
  EXPECT_EQ(channel.size(), 1U);
  EXPECT_FALSE(channel.try_send(2));
}

TEST_F(ChannelTest, ALongChainOfTasksThatWakeEachOtherDoesNotNest) {
  const auto pass_on = [](Channel<int>& in, Channel<int>& out) -> Task<> {
    while (const auto value = co_await in.receive()) co_await out.send(*value + 1);
    out.close();
  };
  constexpr int kLinks = 20'000;
  const auto work = [&]() -> Task<int> {
    std::vector<std::unique_ptr<Channel<int>>> links;
    for (int i = 0; i <= kLinks; ++i) links.push_back(std::make_unique<Channel<int>>(1));
    std::vector<Task<>> tasks;
    for (std::size_t i = 0; i < kLinks; ++i) tasks.push_back(pass_on(*links[i], *links[i + 1]));
    const auto feed = [](Channel<int>& in) -> Task<> {
      co_await in.send(0);
      in.close();
    };
    auto [a, b, last] =
        co_await when_all(when_all(std::move(tasks)), feed(*links[0]), receive_all(*links[kLinks]));
    co_return last.at(0);
  };
  EXPECT_EQ(run(work()).value(), kLinks);
}

/// What random senders and receivers, who are cancelled at random, believe they did.
struct Tally {
  std::vector<int> sent;
  std::vector<int> received;
};

Task<> random_sender(Channel<int>& channel, Tally& ledger, std::uint_fast32_t seed, int first) {
  std::mt19937 random(seed);
  for (int i = 0; i < 20; ++i) {
    const int value = first + i;
    if (random() % 4 == 0) co_await yield();
    if (random() % 3 == 0) {
      const auto attempt = [](Channel<int>& out, Tally& book, int number) -> Task<> {
        co_await out.send(number);
        book.sent.push_back(number);
      };
      const auto hurry = [](std::uint_fast32_t turns) -> Task<> {
        for (std::uint_fast32_t turn = 0; turn < turns; ++turn) co_await yield();
      };
      co_await when_any(attempt(channel, ledger, value), hurry(random() % 3));
    } else {
      co_await channel.send(value);
      ledger.sent.push_back(value);
    }
  }
}

Task<> random_receiver(Channel<int>& channel, Tally& ledger, std::uint_fast32_t seed) {
  std::mt19937 random(seed);
  while (true) {
    if (random() % 4 == 0) co_await yield();
    if (random() % 2 == 0) {
      const auto attempt = [](Channel<int>& in, Tally& book) -> Task<bool> {
        const auto value = co_await in.receive();
        if (value) book.received.push_back(*value);
        co_return value.has_value();
      };
      const auto result = co_await when_any(attempt(channel, ledger), yield());
      if (result.index() == 0 && !std::get<0>(result)) co_return;
    } else {
      const auto value = co_await channel.receive();
      if (!value) co_return;
      ledger.received.push_back(*value);
    }
  }
}

TEST_F(ChannelTest, RandomCancelsLoseNothingAndDoubleNothing) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Tally ledger;
    std::mt19937 random(seed);
    const auto work = [&]() -> Task<> {
      Channel<int> channel(random() % 4);
      const auto produce = [&random](Channel<int>& out, Tally& book) -> Task<> {
        std::vector<Task<>> senders;
        for (int i = 0; i < 4; ++i) senders.push_back(random_sender(out, book, random(), i * 1000));
        co_await when_all(std::move(senders));
        out.close();
      };
      std::vector<Task<>> receivers;
      for (int i = 0; i < 3; ++i) receivers.push_back(random_receiver(channel, ledger, random()));
      co_await when_all(produce(channel, ledger), when_all(std::move(receivers)));
    };
    ASSERT_TRUE(run(work()));
    std::multiset<int> sent(ledger.sent.begin(), ledger.sent.end());
    std::multiset<int> received(ledger.received.begin(), ledger.received.end());
    ASSERT_EQ(sent, received);
    ASSERT_EQ(std::set<int>(ledger.received.begin(), ledger.received.end()).size(),
              received.size());
  }
}

}  // namespace
}  // namespace reeve::worker
