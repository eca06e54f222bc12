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

struct Orders {};
struct Prices {};
struct Caller {};
struct Login {};
struct AuditTrail {};

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
  std::vector<std::type_index> process{typeid(Orders)};
};

TEST_F(RoutePlansTest, EachValueComesAfterWhatItAsksForAndOnce) {
  values.provide<AuditTrail>([](Login&, Caller&) { return AuditTrail(); });
  values.provide<Login>([](Orders&, Caller&) { return Login(); });
  values.provide<Caller>([](const Request&) { return Caller(); });
  router.get("/", [](AuditTrail&, Caller&, Login&, Orders&) { return Response(); });
  EXPECT_EQ(order(), (types<Caller, Login, AuditTrail>()));
  EXPECT_EQ(make()->of(*router.routes().front()).process, types<Orders>());
}

TEST_F(RoutePlansTest, AMissingTypeNamesTheRouteTheAskerAndTheRemedy) {
  values.provide<Login>([](Prices&) { return Login(); });
  router.get("/a/{id}", [](Prices&) { return Response(); });
  router.post("/b", [](Login&) { return Response(); });
  router.get("/fine", [](Orders&) { return Response(); });
  const std::string why = refusal();
  EXPECT_THAT(why, HasSubstr("route GET /a/{id}: its handler asks for "));
  EXPECT_THAT(why, HasSubstr("Prices, which nobody provides: add app.resource<"));
  EXPECT_THAT(why, HasSubstr("route POST /b: the provider of "));
  EXPECT_THAT(why, Not(HasSubstr("/fine")));
}

TEST_F(RoutePlansTest, ACycleIsRefusedAndShown) {
  values.provide<Caller>([](Login&) { return Caller(); });
  values.provide<Login>([](AuditTrail&) { return Login(); });
  values.provide<AuditTrail>([](Login&) { return AuditTrail(); });
  router.get("/", [](Caller&) { return Response(); });
  const std::string why = refusal();
  EXPECT_THAT(why, HasSubstr("route GET /: its providers ask for each other: "));
  EXPECT_THAT(why, ::testing::ContainsRegex("Login -> .*AuditTrail -> .*Login: one"));
  EXPECT_THAT(why, Not(HasSubstr("Caller"))) << "it leads there, but is not part of it";
}

TEST_F(RoutePlansTest, AProviderThatAsksForItsOwnTypeIsACycle) {
  values.provide<Caller>([](Caller&) { return Caller(); });
  router.get("/", [](Caller&) { return Response(); });
  EXPECT_THAT(refusal(), HasSubstr("ask for each other"));
}

TEST_F(RoutePlansTest, APointerCopesWithoutAValue) {
  router.get("/", [](Prices*, const Orders*) { return Response(); });
  const auto plans = make();
  ASSERT_TRUE(plans) << plans.error();
  EXPECT_THAT(plans->of(*router.routes().front()).process, IsEmpty());
}

TEST_F(RoutePlansTest, AReplacedProviderNeedsNothing) {
  values.provide<Login>([](Prices&) { return Login(); });
  router.get("/", [](Login&) { return Response(); });
  overrides.replace<Login>(std::make_unique<Login>());
  EXPECT_EQ(order(), types<Login>());
}

TEST_F(RoutePlansTest, ATypeHasOneProvider) {
  values.provide<Caller>([] { return Caller(); });
  EXPECT_THROW(values.provide<Caller>([] { return Caller(); }), std::invalid_argument);
}

TEST_F(RoutePlansTest, ParametersAreReadOffEveryKindOfFunction) {
  struct Functor {
    Response operator()(const Request&, const Orders&) const noexcept { return Response(); }
  };
  router.get("/functor", Functor());
  router.get("/pointer", +[](Orders&) { return Response(); });
  router.get("/generic", [](const auto&) { return Response(); });
  std::vector<std::size_t> wants;
  for (const auto* route : router.routes()) wants.push_back(route->wants.size());
  EXPECT_THAT(wants, ::testing::UnorderedElementsAre(1, 1, 0));
}

}  // namespace
}  // namespace reeve::worker
