#include "worker/http/route_plans.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace reeve::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Database {};
struct Cache {};
struct User {};
struct Session {};
struct Audit {};

template <class... T>
std::vector<std::type_index> types() {
  return {typeid(T)...};
}

class RoutePlansTest : public ::testing::Test {
 protected:
  std::expected<RoutePlans, std::string> make() {
    return RoutePlans::make(router, values, &overrides, [this](std::type_index type) {
      return std::ranges::find(process, type) != process.end();
    });
  }
  /// Why the start is refused.
  std::string refusal() {
    auto plans = make();
    return plans ? "nothing is wrong" : plans.error();
  }
  /// The types of the only route's values, in the order of making.
  std::vector<std::type_index> order() {
    auto plans = make();
    if (!plans) ADD_FAILURE() << plans.error();
    std::vector<std::type_index> types;
    if (plans) {
      for (const auto& step : plans->of(*router.routes().front()).open) {
        types.push_back(step.value->type);
      }
    }
    return types;
  }

  Router router;
  RequestValues values;
  Overrides overrides;
  std::vector<std::type_index> process{typeid(Database)};
};

TEST_F(RoutePlansTest, EachValueComesAfterWhatItAsksForAndOnce) {
  values.provide<Audit>([](Session&, User&) { return Audit(); });
  values.provide<Session>([](Database&, User&) { return Session(); });
  values.provide<User>([](const Request&) { return User(); });
  router.get("/", [](Audit&, User&, Session&, Database&) { return Response(); });
  EXPECT_EQ(order(), (types<User, Session, Audit>()));
  EXPECT_EQ(make()->of(*router.routes().front()).process, types<Database>());
}

TEST_F(RoutePlansTest, AMissingTypeNamesTheRouteTheAskerAndTheRemedy) {
  values.provide<Session>([](Cache&) { return Session(); });
  router.get("/a/{id}", [](Cache&) { return Response(); });
  router.post("/b", [](Session&) { return Response(); });
  router.get("/fine", [](Database&) { return Response(); });
  const std::string why = refusal();
  EXPECT_THAT(why, HasSubstr("route GET /a/{id}: its handler asks for "));
  EXPECT_THAT(why, HasSubstr("Cache, which nobody provides: add app.resource<"));
  EXPECT_THAT(why, HasSubstr("route POST /b: the provider of "));
  EXPECT_THAT(why, Not(HasSubstr("/fine")));
}

TEST_F(RoutePlansTest, ACycleIsRefusedAndShown) {
  values.provide<User>([](Session&) { return User(); });
  values.provide<Session>([](Audit&) { return Session(); });
  values.provide<Audit>([](Session&) { return Audit(); });
  router.get("/", [](User&) { return Response(); });
  const std::string why = refusal();
  EXPECT_THAT(why, HasSubstr("route GET /: its providers ask for each other: "));
  EXPECT_THAT(why, ::testing::ContainsRegex("Session -> .*Audit -> .*Session: one"));
  EXPECT_THAT(why, Not(HasSubstr("User"))) << "it leads there, but is not part of it";
}

TEST_F(RoutePlansTest, AProviderThatAsksForItsOwnTypeIsACycle) {
  values.provide<User>([](User&) { return User(); });
  router.get("/", [](User&) { return Response(); });
  EXPECT_THAT(refusal(), HasSubstr("ask for each other"));
}

TEST_F(RoutePlansTest, APointerCopesWithoutAValue) {
  router.get("/", [](Cache*, const Database*) { return Response(); });
  const auto plans = make();
  ASSERT_TRUE(plans) << plans.error();
  EXPECT_THAT(plans->of(*router.routes().front()).process, IsEmpty());
}

TEST_F(RoutePlansTest, AReplacedProviderNeedsNothing) {
  values.provide<Session>([](Cache&) { return Session(); });
  router.get("/", [](Session&) { return Response(); });
  overrides.replace<Session>(std::make_unique<Session>());
  EXPECT_EQ(order(), types<Session>());
}

TEST_F(RoutePlansTest, ATypeHasOneProvider) {
  values.provide<User>([] { return User(); });
  EXPECT_THROW(values.provide<User>([] { return User(); }), std::invalid_argument);
}

TEST_F(RoutePlansTest, ParametersAreReadOffEveryKindOfFunction) {
  struct Functor {
    Response operator()(const Request&, const Database&) const noexcept { return Response(); }
  };
  router.get("/functor", Functor());
  router.get("/pointer", +[](Database&) { return Response(); });
  router.get("/generic", [](const auto&) { return Response(); });
  std::vector<std::size_t> wants;
  for (const auto* route : router.routes()) wants.push_back(route->wants.size());
  EXPECT_THAT(wants, ::testing::UnorderedElementsAre(1, 1, 0));
}

}  // namespace
}  // namespace reeve::worker
