#include "ipc/base/duration.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace reeve::ipc {
namespace {

using namespace std::chrono_literals;

TEST(Duration, HasUnits) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Duration, CombinesUnitsFromLargeToSmall) {
  EXPECT_EQ(parse_duration("1m30s"), 90s);
  EXPECT_EQ(parse_duration("1h2m3s4ms"), 1h + 2min + 3s + 4ms);
  EXPECT_EQ(parse_duration("30s1m"), std::nullopt);
  EXPECT_EQ(parse_duration("1s1s"), std::nullopt);
}

TEST(Duration, RefusesWhatIsNone) {
  for (const char* text : {"", "30", "s", "1x", "-1s", "1.5s", " 1s", "1s ", "1 s", "1sm", "1S"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(Duration, RefusesMoreThanAThousandDays) {
  EXPECT_EQ(parse_duration("24000h"), 24000h);
  EXPECT_EQ(parse_duration("24000h1ms"), std::nullopt);
  EXPECT_EQ(parse_duration("4294967295h"), std::nullopt);
  EXPECT_EQ(parse_duration("99999999999999999999h"), std::nullopt);
}

TEST(Duration, IsWrittenAsItIsRead) {
  for (const char* text : {"0s", "1ms", "250ms", "30s", "1m30s", "24h", "1h2m3s4ms"}) {
    EXPECT_EQ(write_duration(parse_duration(text).value()), text);
  }
  EXPECT_EQ(write_duration(90min), "1h30m");
}

}  // namespace
}  // namespace reeve::ipc
