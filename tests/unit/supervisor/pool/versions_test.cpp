// Which versions of a pool are kept, and which of their listeners are needed.

#include "supervisor/pool/versions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace reeve::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Generation kFirst{1};
constexpr Generation kSecond{2};
constexpr Generation kThird{3};

Deployment version(int workers, ListenerSet listeners = {}) {
  PoolConfig config;
  config.spec.name = "web";
  config.spec.workers = workers;
  config.command = {"/bin/true"};
  return Deployment::with(std::move(config), std::move(listeners));
}

SharedListener listener(std::string name) {
  return std::make_shared<Listener>(ListenerConfig{.name = std::move(name), .address = {}});
}

int workers_of(const Deployment* deployment) { return deployment->config.spec.workers; }

TEST(Versions, ARollThatSucceedsLeavesTheOldOneForARollback) {
  Versions versions(kFirst, version(1));
  versions.prepare(kSecond, version(2));
  versions.settle(kSecond);
  EXPECT_EQ(workers_of(&versions.at(kSecond)), 2);
  EXPECT_EQ(versions.find(kFirst), nullptr);
  ASSERT_NE(versions.previous(), nullptr);
  EXPECT_EQ(workers_of(versions.previous()), 1);
}

TEST(Versions, ARollThatFailsLeavesNothing) {
  Versions versions(kFirst, version(1));
  versions.prepare(kSecond, version(2));
  versions.settle(kFirst);
  EXPECT_EQ(versions.find(kSecond), nullptr);
  EXPECT_EQ(versions.previous(), nullptr);
}

TEST(Versions, TheSameOneAgainIsNothingToReturnTo) {
  Versions versions(kFirst, version(1));
  versions.prepare(kSecond, version(2));
  versions.settle(kSecond);
  versions.prepare(kThird, version(2));
  versions.settle(kThird);
  EXPECT_EQ(workers_of(versions.previous()), 1);
}

TEST(Versions, ListenersOfThePastAreThoseThatOnlyARollbackNeeds) {
  const SharedListener kept = listener("kept");
  const SharedListener gone = listener("gone");
  Versions versions(kFirst, version(1, {kept, gone}));
  EXPECT_THAT(versions.listeners_of_the_past(), IsEmpty());
  versions.prepare(kSecond, version(1, {kept}));
  EXPECT_THAT(versions.listeners(), ElementsAre(kept, gone)) << "either may still run";
  versions.settle(kSecond);
  EXPECT_THAT(versions.listeners(), ElementsAre(kept));
  EXPECT_THAT(versions.listeners_of_the_past(), ElementsAre(gone));
}

TEST(Versions, WhatWaitsIsTakenOnce) {
  Versions versions(kFirst, version(1));
  versions.wait(version(2));
  versions.set_workers(kFirst, 5);
  EXPECT_EQ(workers_of(&versions.at(kFirst)), 5);
  const auto taken = versions.take_waiting();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(workers_of(&*taken), 5) << "the number was configured for both";
  EXPECT_FALSE(versions.take_waiting().has_value());
}

TEST(Versions, GoOnFromTheirState) {
  const ListenerSet all{listener("a"), listener("b")};
  const auto place_of = [&all](const Listener& one) {
    const auto found = std::ranges::find(all, &one, &SharedListener::get);
    return static_cast<std::size_t>(found - all.begin());
  };
  Versions before(kFirst, version(1, {all[1]}));
  before.prepare(kSecond, version(2, {all[0]}));
  before.settle(kSecond);
  before.wait(version(3));
  Versions after(before.state(place_of), kSecond, all);
  EXPECT_THAT(after.at(kSecond).listeners, ElementsAre(all[0]));
  EXPECT_THAT(after.listeners_of_the_past(), ElementsAre(all[1]));
  EXPECT_EQ(workers_of(after.previous()), 1);
  EXPECT_EQ(workers_of(after.waiting()), 3);
  after.settle(kSecond);
  EXPECT_EQ(workers_of(after.previous()), 1) << "nothing was deployed meanwhile";
}

}  // namespace
}  // namespace reeve::supervisor
