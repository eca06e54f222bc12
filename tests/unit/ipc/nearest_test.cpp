#include "ipc/base/nearest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace reeve::ipc {
namespace {

constexpr std::array<std::string_view, 5> kWords{"workers", "grace", "ready", "restart", "env"};

TEST(Nearest, ForgivesOneTypingError) {
  EXPECT_EQ(nearest("worker", kWords), "workers");   // missing
  EXPECT_EQ(nearest("graace", kWords), "grace");     // added
  EXPECT_EQ(nearest("resdart", kWords), "restart");  // wrong
  EXPECT_EQ(nearest("raedy", kWords), "ready");      // swapped
}

TEST(Nearest, ForgivesMoreInALongWord) { EXPECT_EQ(nearest("wrokerz", kWords), "workers"); }

TEST(Nearest, IsSilentAboutOtherWords) {
  EXPECT_EQ(nearest("port", kWords), std::nullopt);
  EXPECT_EQ(nearest("", kWords), std::nullopt);
  EXPECT_EQ(nearest("x", std::array<std::string_view, 1>{"y"}), std::nullopt);
  EXPECT_EQ(nearest(std::string(10'000, 'e'), kWords), std::nullopt);
}

TEST(Nearest, PrefersFewerErrorsThenTheFirst) {
  constexpr std::array<std::string_view, 3> kAlike{"http3", "http2", "http"};
  EXPECT_EQ(nearest("http", kAlike), "http");
  EXPECT_EQ(nearest("http1", kAlike), "http3");
}

TEST(Nearest, PrefersWhatBeginsSo) {
  constexpr std::array<std::string_view, 3> kCommands{"start", "status", "statistics"};
  EXPECT_EQ(nearest("stat", kCommands), "status") << "the shortest";
  EXPECT_EQ(nearest("star", kCommands), "start");
}

TEST(Nearest, AsksThePerson) {
  EXPECT_EQ(did_you_mean("envv", kWords), " (did you mean \"env\"?)");
  EXPECT_EQ(did_you_mean("address", kWords), "");
}

}  // namespace
}  // namespace reeve::ipc
