// In which order what is open closes, and that nothing is remembered for longer than it is needed.

#include "worker/lifespan/exit_stack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace reeve::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Thing {
  std::shared_ptr<Thing> parent;
};
using ThingPointer = std::shared_ptr<Thing>;

ThingPointer make(ThingPointer parent = nullptr) {
  return std::make_shared<Thing>(std::move(parent));
}

TEST(ExitStack, RetriesForWeeksDoNotMakeItGrow) {
  ExitStack<Thing> stack;
  const ThingPointer parent = make();
  for (int attempt = 0; attempt < 1000; ++attempt) {
    ThingPointer child = make(parent);
    const std::weak_ptr<Thing> forgotten = child;
    stack.push(child);
    ASSERT_THAT(stack.open_below(*parent), ElementsAre(child));
    stack.remove(child);
    child.reset();
    ASSERT_TRUE(forgotten.expired());
    ASSERT_THAT(stack.open(), IsEmpty());
  }
  EXPECT_EQ(parent.use_count(), 1);
}

TEST(ExitStack, WhatIsClosedIsRememberedForTheSakeOfWhatIsBelowIt) {
  ExitStack<Thing> stack;
  const ThingPointer top = make();
  ThingPointer middle = make(top);
  const std::weak_ptr<Thing> closed = middle;
  ThingPointer leaf = make(middle);
  stack.push(leaf);
  stack.push(middle);
  stack.remove(middle);
  middle.reset();
  EXPECT_THAT(stack.open_below(*top), ElementsAre(leaf));
  stack.remove(leaf);
  EXPECT_THAT(stack.open_below(*top), IsEmpty());
  leaf.reset();
  EXPECT_TRUE(closed.expired());
}

TEST(ExitStack, WhatIsBelowClosesInReverseOfHowItBecameOpen) {
  ExitStack<Thing> stack;
  const ThingPointer top = make();
  const ThingPointer first = make(top);
  const ThingPointer second = make(top);
  const ThingPointer other = make();
  stack.push(second);  // It began later, and was open sooner.
  stack.push(other);
  stack.push(first);
  EXPECT_THAT(stack.open_below(*top), ElementsAre(first, second));
  EXPECT_THAT(stack.open_below(*other), IsEmpty());
  EXPECT_THAT(stack.open(), ElementsAre(second, other, first));
}

}  // namespace
}  // namespace reeve::worker
