// What of a lifespan is remembered, and for how long; its order is simulated elsewhere.

#include "worker/lifespan/exit_stack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ExitStack, RetriesForWeeksDoNotMakeItGrow) {
  ExitStack stack;
  const auto parent = stack.add({});
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const auto child = stack.add(parent);
    stack.opened(child);
    const auto refused = stack.add(parent);
    stack.failed(refused);
    stack.failed(parent);
    stack.ended(refused);
    stack.closing(child);
    stack.closed(child);
    ASSERT_EQ(stack.size(), 1U);
    stack.reopen(parent);
  }
  stack.failed(parent);
  stack.ended(parent);
  EXPECT_EQ(stack.size(), 0U);
}

TEST(ExitStack, WhatIsClosedIsRememberedForTheSakeOfWhatIsBelowIt) {
  ExitStack stack;
  const auto top = stack.add({});
  const auto middle = stack.add(top);
  const auto leaf = stack.add(middle);
  stack.opened(leaf);
  stack.opened(middle);
  stack.closing(middle);
  stack.closed(middle);
  EXPECT_THAT(stack.open_below(top), ElementsAre(leaf));
  stack.closing(leaf);
  stack.closed(leaf);
  EXPECT_THAT(stack.open_below(top), IsEmpty());
  EXPECT_EQ(stack.size(), 1U);
}

}  // namespace
}  // namespace reeve::worker
