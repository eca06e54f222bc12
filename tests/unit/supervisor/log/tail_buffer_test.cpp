// What tails keep, and which of them is shortened when all of them together hold too much.
#include "supervisor/log/tail_buffer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kChunk = 4096;  // By so much tails grow and are shortened.

struct TailBufferTest : ::testing::Test {
  TailBudget budget;
  TailBuffer tail{budget};
};

TEST_F(TailBufferTest, BeginsWithAWholeLine) {
  tail.append("first");
  tail.append("second");
  EXPECT_EQ(tail.last(100), "first\nsecond\n");
  EXPECT_EQ(tail.last(9), "second\n");
  EXPECT_EQ(tail.last(7), "second\n");
}

TEST_F(TailBufferTest, GivesPartOfALineThatIsLongerThanAskedFor) {
  tail.append("0123456789");
  EXPECT_EQ(tail.last(4), "789\n");
}

TEST_F(TailBufferTest, ShowsALineThatHasNoEndYetToWhomWantsIt) {
  std::string early;
  std::string late;
  std::string lines;
  const auto follower = [](std::string& seen) {
    return [&seen](std::string_view text) { seen += text; };
  };
  (void)tail.follow(follower(early), TailBuffer::Wants::PartsToo);
  (void)tail.follow(follower(lines));
  tail.show_part("Pass");
  tail.show_part("Password: ");
  (void)tail.follow(follower(late), TailBuffer::Wants::PartsToo);
  EXPECT_EQ(early, "Password: ");
  EXPECT_EQ(late, early);
  tail.append("of the other stream");
  tail.append("Password: ok");
  EXPECT_EQ(early, "Password: \nof the other stream\nPassword: ok\n");
  EXPECT_EQ(lines, "of the other stream\nPassword: ok\n");
  EXPECT_EQ(tail.last(100), lines) << "each line once";
}

TEST_F(TailBufferTest, ShowsTheLastOfAProgress) {
  std::string seen;
  tail.show_part("\r 12 %");
  (void)tail.follow([&seen](std::string_view text) { seen += text; }, TailBuffer::Wants::PartsToo);
  tail.show_part("\r 12 %\r 13 %");
  EXPECT_EQ(seen, "\r 12 %\r 13 %");
  tail.append("\r 12 %\r 13 % done");
  EXPECT_EQ(seen, "\r 12 %\r 13 % done\n");
}

TEST_F(TailBufferTest, KeepsTheNewestAndABoundedAmount) {
  for (int i = 0; i < 30'000; ++i) tail.append("line " + std::to_string(i));
  const std::string text = tail.last(1 << 20);
  EXPECT_LE(text.size(), TailBuffer::kMaxBytes);
  EXPECT_GT(text.size(), TailBuffer::kMaxBytes - 20);
  EXPECT_TRUE(text.ends_with("line 29999\n"));
  EXPECT_TRUE(text.starts_with("line "));
  EXPECT_LE(budget.used(), TailBuffer::kMaxBytes + 2 * kChunk);
}

TEST_F(TailBufferTest, KeepsEveryLineOfAnySize) {
  std::string all;
  for (std::size_t size = 0; size < 9000; size += 777) {
    const std::string line(size, static_cast<char>('a' + size / 777));
    tail.append(line);
    all += line + "\n";
  }
  EXPECT_EQ(tail.last(all.size()), all);
  for (std::size_t bytes = 1; bytes < all.size(); bytes += 61) {
    const std::string text = tail.last(bytes);
    EXPECT_LE(text.size(), bytes);
    EXPECT_TRUE(all.ends_with(text));
  }
}

TEST_F(TailBufferTest, GoesOnFromThePastOfAnother) {
  for (int i = 0; i < 1000; ++i) tail.append("line " + std::to_string(i));
  TailBuffer next(budget);
  next.restore(tail.last(TailBuffer::kMaxBytes));
  EXPECT_EQ(next.last(TailBuffer::kMaxBytes), tail.last(TailBuffer::kMaxBytes));
}

TEST_F(TailBufferTest, TellsFollowersUntilTheyLeave) {
  std::string seen;
  const auto id = tail.follow([&seen](std::string_view text) { seen += text; });
  tail.append("a");
  tail.clear();
  tail.append("b");
  tail.unfollow(id);
  tail.append("c");
  EXPECT_EQ(seen, "a\nb\n");
}

TEST_F(TailBufferTest, TakesMemoryAsLinesComeAndGivesItBack) {
  EXPECT_EQ(budget.used(), 0U);
  tail.append("a line");
  EXPECT_LT(budget.used(), 128U);
  for (int i = 0; i < 1000; ++i) tail.append("line " + std::to_string(i));
  EXPECT_GT(budget.used(), kChunk);
  tail.clear();
  EXPECT_EQ(budget.used(), 0U);
}

/// Ten chunks for all, and lines that fill one each.
struct TailBudgetTest : ::testing::Test {
  static void fill(TailBuffer& tail, std::size_t chunks) {
    for (std::size_t i = 0; i < chunks; ++i) tail.append(std::string(kChunk - 1, 'x'));
  }
  static std::size_t chunks(const TailBuffer& tail) {
    return tail.last(TailBuffer::kMaxBytes).size() / kChunk;
  }

  TailBudget budget{10 * (kChunk + 100)};
};

TEST_F(TailBudgetTest, TheLongestTailIsShortenedFirst) {
  TailBuffer noisy(budget);
  TailBuffer quiet(budget);
  fill(quiet, 2);
  fill(noisy, 20);
  EXPECT_EQ(chunks(noisy), 8U);
  EXPECT_EQ(chunks(quiet), 2U) << "who says little keeps what was said";
  fill(quiet, 2);
  EXPECT_EQ(chunks(noisy), 6U);
  EXPECT_EQ(chunks(quiet), 4U);
  EXPECT_LE(budget.used(), 10 * (kChunk + 100));
}

TEST_F(TailBudgetTest, AmongEqualsTheOneThatWasSilentForLongestIsShortened) {
  TailBuffer old(budget);
  TailBuffer recent(budget);
  fill(recent, 4);
  fill(old, 5);
  fill(recent, 1);
  TailBuffer other(budget);
  fill(other, 1);
  EXPECT_EQ(chunks(old), 4U);
  EXPECT_EQ(chunks(recent), 5U);
}

TEST_F(TailBudgetTest, ManyTailsShareItEvenly) {
  std::vector<std::unique_ptr<TailBuffer>> tails;
  for (int i = 0; i < 5; ++i) tails.push_back(std::make_unique<TailBuffer>(budget));
  for (int round = 0; round < 6; ++round) {
    for (const auto& tail : tails) fill(*tail, 1);
  }
  for (const auto& tail : tails) EXPECT_EQ(chunks(*tail), 2U);
}

TEST(Tails, OfSlotsThatAreGoneAreForgotten) {
  TailBudget budget;
  Tails tails(budget);
  for (int slot = 0; slot < 4; ++slot) tails.of(slot).append("line of " + std::to_string(slot));
  EXPECT_EQ(tails.end(), 4);
  const std::size_t before = budget.used();
  tails.shrink_to(2);
  EXPECT_EQ(tails.end(), 2);
  EXPECT_EQ(budget.used(), before / 2);
  EXPECT_EQ(tails.of(1).last(100), "line of 1\n");
  EXPECT_EQ(tails.of(3).last(100), "");
}

TEST(Tails, AFollowerOfASlotHearsOfItWhenItComesBack) {
  TailBudget budget;
  Tails tails(budget);
  std::string seen;
  const auto id = tails.of(3).follow([&seen](std::string_view text) { seen += text; });
  tails.of(3).append("before");
  tails.shrink_to(1);
  EXPECT_EQ(budget.used(), 0U);
  tails.of(3).append("after");
  EXPECT_EQ(seen, "before\nafter\n");
  tails.of(3).unfollow(id);
}

}  // namespace
}  // namespace reeve::supervisor
