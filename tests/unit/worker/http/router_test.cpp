// Router: which handler, which parameters, which methods.

#include "reeve/router.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace reeve {
namespace {

Response blocking(const Request&) { return Response::text("blocking"); }
Task<Response> async(const Request&) { co_return Response::text("async"); }

class RouterTest : public ::testing::Test {
 protected:
  const Handler* find(Method method, std::string_view path) {
    parameters.clear();
    const Router::Route* const route = router.match(method, path, parameters).route;
    return route != nullptr ? &route->handler : nullptr;
  }
  std::string allow(Method method, std::string_view path) {
    return router.match(method, path, parameters).allow;
  }

  Router router;
  std::vector<Parameter> parameters;
};

TEST_F(RouterTest, TypesHandlersByWhatTheyReturn) {
  router.get("/b", blocking).get("/a", async).get("/none", [] { return Response(204); });
  EXPECT_TRUE(std::holds_alternative<BlockingHandler>(*find(Method::Get, "/b")));
  EXPECT_TRUE(std::holds_alternative<AsyncHandler>(*find(Method::Get, "/a")));
  EXPECT_TRUE(std::holds_alternative<BlockingHandler>(*find(Method::Get, "/none")));
}

TEST_F(RouterTest, FillsParameters) {
  router.get("/users/{id}/posts/{post}", blocking);
  ASSERT_NE(find(Method::Get, "/users/7/posts/J%C3%B6%2Frg"), nullptr);
  ASSERT_EQ(parameters.size(), 2U);
  EXPECT_EQ(parameters[0].name, "id");
  EXPECT_EQ(parameters[0].value, "7");
  EXPECT_EQ(parameters[1].value, "J\xc3\xb6/rg");
  EXPECT_EQ(find(Method::Get, "/users/7/posts"), nullptr);
  EXPECT_EQ(find(Method::Get, "/users//posts/1"), nullptr) << "a parameter is never empty";
}

TEST_F(RouterTest, PrefersLiteralsAndFallsBackToParameters) {
  router.get("/users/me", async).get("/users/{id}/x", blocking);
  EXPECT_TRUE(std::holds_alternative<AsyncHandler>(*find(Method::Get, "/users/me")));
  ASSERT_NE(find(Method::Get, "/users/me/x"), nullptr);
  EXPECT_EQ(parameters.at(0).value, "me");
}

TEST_F(RouterTest, TellsApartTrailingSlashes) {
  router.get("/a", blocking);
  EXPECT_EQ(find(Method::Get, "/a/"), nullptr);
  EXPECT_EQ(find(Method::Get, "//a"), nullptr);
  EXPECT_NE(find(Method::Get, "/%61"), nullptr) << "encoded or not, it is the same path";
}

TEST_F(RouterTest, NamesAllowedMethods) {
  router.get("/a", blocking).post("/a", blocking).del("/b/{x}", blocking);
  EXPECT_EQ(find(Method::Put, "/a"), nullptr);
  EXPECT_EQ(allow(Method::Put, "/a"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(allow(Method::Get, "/b/1"), "DELETE, OPTIONS");
  EXPECT_EQ(allow(Method::Get, "/c"), "");
  EXPECT_EQ(allow(Method::Get, "/b"), "");
}

TEST_F(RouterTest, AnswersHeadWithGet) {
  router.get("/a", blocking);
  EXPECT_EQ(find(Method::Head, "/a"), find(Method::Get, "/a"));
  router.route(Method::Head, "/a", async);
  EXPECT_NE(find(Method::Head, "/a"), find(Method::Get, "/a"));
}

TEST_F(RouterTest, RefusesBadPatterns) {
  for (const char* pattern :
       {"", "a", "/{}", "/{a", "/a}", "/x{a}", "/{a}/{a}", "/a?b", "/{a{b}}"}) {
    EXPECT_THROW(router.get(pattern, blocking), std::invalid_argument) << pattern;
  }
  router.get("/a", blocking);
  EXPECT_THROW(router.get("/a", async), std::invalid_argument);
}

}  // namespace
}  // namespace reeve
