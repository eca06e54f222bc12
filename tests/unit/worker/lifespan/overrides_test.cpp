#include "worker/lifespan/overrides.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/lifespan/runner.hpp"

namespace reeve::worker {
namespace {

struct Store {
  virtual ~Store() = default;
  [[nodiscard]] virtual std::string name() const { return "real"; }
};
struct FakeStore final : Store {
  [[nodiscard]] std::string name() const override { return "fake"; }
};

class OverridesTest : public RuntimeFixture {
 protected:
  Lifespan lifespan;
  State state;
  Overrides overrides;
  LifespanRunner runner{context,
                        lifespan,
                        state,
                        [](const auto&) {},
                        [](Phase) { return std::expected<std::string, StartFailure>(); },
                        &overrides};
};

TEST_F(OverridesTest, AReplacedResourceIsNeitherOpenedNorClosed) {
  int calls = 0;
  lifespan.resource<Store>(
      "store",
      [&calls] {
        ++calls;
        return std::make_unique<Store>();
      },
      [&calls](Store&) { ++calls; });
  overrides.replace<Store>(std::make_unique<FakeStore>());
  ASSERT_TRUE(run(runner.open())->has_value());
  EXPECT_EQ(state.get<Store>().name(), "fake");
  ASSERT_TRUE(run(runner.close(ipc::Clock::now() + std::chrono::seconds(10))));
  EXPECT_EQ(state.find<Store>(), nullptr);
  EXPECT_EQ(calls, 0);
}

TEST_F(OverridesTest, AReplacementThatThrowsFailsTheStart) {
  lifespan.resource<Store>("store", [] { return std::make_unique<Store>(); });
  overrides.replace<Store>(
      []() -> std::shared_ptr<Store> { throw std::runtime_error("no fake today"); });
  const auto opened = run(runner.open());
  ASSERT_TRUE(opened.has_value());
  ASSERT_FALSE(opened->has_value());
  EXPECT_NE(opened->error().reason.find("no fake today"), std::string::npos)
      << opened->error().reason;
}

TEST_F(OverridesTest, OtherTypesAreLeftAlone) {
  lifespan.resource<Store>("store", [] { return std::make_unique<Store>(); });
  overrides.replace<int>(std::make_unique<int>(7));
  ASSERT_TRUE(run(runner.open())->has_value());
  EXPECT_EQ(state.get<Store>().name(), "real");
  EXPECT_EQ(state.find<int>(), nullptr);
}

}  // namespace
}  // namespace reeve::worker
