// Settings with which nothing could ever be served are refused where the program gives them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

#include "reeve/app.hpp"

namespace reeve {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

template <class... Substrings>
auto refused(const char* beginning, Substrings... substrings) {
  return ThrowsMessage<std::invalid_argument>(
      AllOf(StartsWith(beginning), HasSubstr(substrings)..., HasSubstr("leave it out")));
}

TEST(AppSettings, APoolWithoutThreadsIsRefused) {
  App app;
  EXPECT_THAT([&] { app.threads({.threads = 0}); },
              refused("App::threads(): threads = 0: ", "at least 1"));
  EXPECT_EQ(app.threads().threads, ThreadLimits::default_threads()) << "nothing has changed";
  app.threads({.threads = 1, .queue = 0});
  EXPECT_EQ(app.threads().queue, 0U) << "nothing waits: that can be meant";
}

TEST(AppSettings, RoomForNoBackgroundTaskIsRefused) {
  App app;
  EXPECT_THAT([&] { app.background({.at_most = 0}); },
              refused("App::background(): at_most = 0: ", "Request::background()"));
  app.background({.at_most = 1});
  EXPECT_EQ(app.background().at_most, 1U);
}

TEST(AppSettings, HttpLimitsThatNoRequestCanKeepAreRefused) {
  App app;
  EXPECT_THAT([&] { app.limits({.connections = 0}); }, refused("App::limits(): connections = 0: "));
  EXPECT_THAT([&] { app.limits({.headers = 0}); }, refused("App::limits(): headers = 0: "));
  EXPECT_THAT([&] { app.limits({.header_time = 0ms}); },
              refused("App::limits(): header_time = 0 ms: "));
  EXPECT_THAT([&] { app.limits({.keep_alive_time = -1ms}); },
              refused("App::limits(): keep_alive_time = -1 ms: "));
  app.limits({.body_bytes = 0});
  EXPECT_EQ(app.limits().body_bytes, 0U) << "no bodies: that can be meant";
}

}  // namespace
}  // namespace reeve
