// What /health shows of a provider: its choice, while it changes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "reeve/testing.hpp"
#include "reeve/wait.hpp"

namespace reeve {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Model {
  std::string name;
};

class ProviderHealth : public ::testing::Test {
 protected:
  ProviderHealth() {
    app.provider<Model>("model", {.retry = 1ms})
        .candidate("far",
                   [this]() -> Task<Model> {
                     if (!far_works) throw std::runtime_error("connection refused");
                     co_return Model{"far"};
                   })
        .candidate("near", [this]() -> Task<Model> {
          if (!near_works) throw std::runtime_error("out of memory");
          co_return Model{"near"};
        });
  }
  /// Until the lifespan says so last.
  static void await_event(TestClient& client, const std::string& text) {
    client.wait_until(text, [&] { return client.events().back().contains(text); });
  }
  /// Asks until it says so: what a check has found is kept for a while.
  static std::string await_health(TestClient& client, std::string_view text) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    std::string body = health(client);
    while (!body.contains(text) && std::chrono::steady_clock::now() < deadline) {
      client.run([]() -> Task<> { co_await sleep_for(5ms); }());
      body = health(client);
    }
    return body;
  }
  [[nodiscard]] static std::string health(TestClient& client) { return client.get("/health").body; }

  App app;
  bool far_works = true;
  bool near_works = true;
};

TEST_F(ProviderHealth, ASwitchAndTheReturnAreShown) {
  TestClient client(app);
  ASSERT_TRUE(client.start());
  EXPECT_THAT(health(client), AllOf(HasSubstr(R"("phase":"ready")"),
                                    HasSubstr(R"("name":"model","ok":true,"required":true)"),
                                    HasSubstr(R"("detail":"choice: far")")));
  far_works = false;
  client.state<Provider<Model>>().report_failure("429");
  await_event(client, "model: choice: near");
  EXPECT_EQ(client.state<Provider<Model>>().get()->name, "near");
  EXPECT_THAT(health(client), AllOf(HasSubstr(R"("phase":"ready")"),
                                    HasSubstr(R"("detail":"choice: near (far: )")));
  far_works = true;
  await_event(client, "model: choice: far");
  EXPECT_THAT(health(client), HasSubstr(R"("detail":"choice: far")"));
  EXPECT_TRUE(client.stop());
}

TEST_F(ProviderHealth, NothingThatWorksIsAFailingCheck) {
  TestClient client(app);
  ASSERT_TRUE(client.start());
  far_works = near_works = false;
  client.state<Provider<Model>>().report_failure("429");
  EXPECT_THAT(await_health(client, R"("phase":"failing")"),
              AllOf(HasSubstr(R"("name":"model","ok":false)"), HasSubstr("near: out of memory")));
  EXPECT_EQ(client.get("/health").status, 503);
  far_works = true;
  EXPECT_THAT(await_health(client, R"("phase":"ready")"),
              AllOf(HasSubstr(R"("detail":"choice: far")"), Not(HasSubstr("memory"))));
  EXPECT_TRUE(client.stop());
}

}  // namespace
}  // namespace reeve
