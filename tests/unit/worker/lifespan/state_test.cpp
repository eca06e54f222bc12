#include "reeve/state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace reeve {
namespace {

struct Registry {
  explicit Registry(std::string name) : url(std::move(name)) {}
  Registry(const Registry&) = delete;
  std::string url;
};

TEST(State, HoldsOneValueOfEachType) {
  State state;
  state.put(7);
  state.put(std::string("seven"));
  state.put(std::make_unique<Registry>("db"));
  EXPECT_EQ(state.get<int>(), 7);
  EXPECT_EQ(state.get<std::string>(), "seven");
  EXPECT_EQ(state.get<Registry>().url, "db");
}

TEST(State, SharesWhatIsShared) {
  State state;
  const auto shared = std::make_shared<int>(1);
  state.put(shared);
  *shared = 2;
  EXPECT_EQ(state.get<int>(), 2);
}

TEST(State, RefusesASecondValueOfOneType) {
  State state;
  state.put(1);
  EXPECT_THROW(state.put(2), std::logic_error);
  EXPECT_EQ(state.get<int>(), 1);
}

TEST(State, NamesTheTypeThatIsMissing) {
  const State state;
  EXPECT_EQ(state.find<Registry>(), nullptr);
  try {
    (void)state.get<Registry>();
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("Registry"));
  }
}

TEST(State, ErasedValueCanBePutAgain) {
  State state;
  state.put(1);
  state.erase<int>();
  EXPECT_EQ(state.find<int>(), nullptr);
  state.put(2);
  EXPECT_EQ(state.get<int>(), 2);
}

template <int kNumber>
struct Noisy {
  std::vector<int>* order;
  ~Noisy() {
    if (order != nullptr) order->push_back(kNumber);
  }
  explicit Noisy(std::vector<int>& where) : order(&where) {}
  Noisy(Noisy&& other) noexcept : order(std::exchange(other.order, nullptr)) {}
};

TEST(State, DestroysTheLastValueFirst) {
  std::vector<int> order;
  {
    State state;
    state.put(Noisy<1>(order));
    state.put(Noisy<2>(order));
    state.put(Noisy<3>(order));
  }
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1}));
}

}  // namespace
}  // namespace reeve
