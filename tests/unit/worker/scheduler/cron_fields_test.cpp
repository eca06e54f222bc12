// What a cron expression may say, and what it is told when it may not.

#include "worker/scheduler/cron_fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

namespace reeve::worker {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono;

CronFields fields(std::string_view expression) {
  auto parsed = CronFields::parse(expression);
  EXPECT_TRUE(parsed) << expression << ": " << (parsed ? "" : parsed.error());
  return parsed.value_or(CronFields{});
}

std::string error(std::string_view expression) {
  const auto parsed = CronFields::parse(expression);
  EXPECT_FALSE(parsed) << expression;
  return parsed ? "" : parsed.error();
}

std::uint64_t bits(std::initializer_list<unsigned> values) {
  std::uint64_t result = 0;
  for (const unsigned value : values) result |= std::uint64_t{1} << value;
  return result;
}

TEST(CronFields, ReadsNumbersRangesStepsAndLists) {
  EXPECT_EQ(fields("5 * * * *").minutes, bits({5}));
  EXPECT_EQ(fields("5-8 * * * *").minutes, bits({5, 6, 7, 8}));
  EXPECT_EQ(fields("*/15 * * * *").minutes, bits({0, 15, 30, 45}));
  EXPECT_EQ(fields("3-20/8 * * * *").minutes, bits({3, 11, 19}));
  EXPECT_EQ(fields("0,1-3,50-59/9 * * * *").minutes, bits({0, 1, 2, 3, 50, 59}));
  EXPECT_EQ(fields("59 23 31 12 6").hours, bits({23}));
  EXPECT_EQ(fields("59 23 31 12 6").days, bits({31}));
  EXPECT_EQ(fields("59 23 31 12 6").months, bits({12}));
  EXPECT_EQ(fields("59 23 31 12 6").weekdays, bits({6}));
}

TEST(CronFields, ReadsNamesInAnyCase) {
  EXPECT_EQ(fields("0 0 * jan,MAR-May *").months, bits({1, 3, 4, 5}));
  EXPECT_EQ(fields("0 0 * * Mon-FRI/2").weekdays, bits({1, 3, 5}));
}

TEST(CronFields, SundayIsZeroAndSevenAndMayEndARange) {
  EXPECT_EQ(fields("0 0 * * 0"), fields("0 0 * * 7"));
  EXPECT_EQ(fields("0 0 * * sun"), fields("0 0 * * 7"));
  EXPECT_EQ(fields("0 0 * * fri-sun").weekdays, bits({0, 5, 6}));
  EXPECT_EQ(fields("0 0 * * 5-7").weekdays, bits({0, 5, 6}));
  EXPECT_EQ(fields("0 0 * * sun-tue").weekdays, bits({0, 1, 2}));
  EXPECT_EQ(fields("0 0 * * *").weekdays, bits({0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(fields("0 0 * * */3").weekdays, bits({0, 3, 6}));
}

TEST(CronFields, ShortFormsAreWhatTheyStandFor) {
  EXPECT_EQ(fields("@hourly"), fields("0 * * * *"));
  EXPECT_EQ(fields(" @Daily "), fields("0 0 * * *"));
  EXPECT_EQ(fields("@midnight"), fields("0 0 * * *"));
  EXPECT_EQ(fields("@weekly"), fields("0 0 * * 0"));
  EXPECT_EQ(fields("@monthly"), fields("0 0 1 * *"));
  EXPECT_EQ(fields("@yearly"), fields("0 0 1 1 *"));
  EXPECT_EQ(fields("@annually"), fields("@yearly"));
  EXPECT_THAT(error("@reboot"), HasSubstr("App::step()"));
  EXPECT_THAT(error("@fortnightly"), HasSubstr("@weekly"));
}

TEST(CronFields, EitherDayIsEnoughUnlessOneBeginsWithAStar) {
  const local_days friday_13th(2026y / November / 13);
  const local_days friday_20th(2026y / November / 20);
  const local_days sunday_13th(2026y / December / 13);
  const CronFields either = fields("0 0 13 * fri");
  EXPECT_TRUE(either.matches(friday_13th));
  EXPECT_TRUE(either.matches(friday_20th));
  EXPECT_TRUE(either.matches(sunday_13th));
  EXPECT_FALSE(either.matches(sunday_13th + days(1)));

  const CronFields both = fields("0 0 */2 * fri");  // 1, 3, 5 ... and a Friday.
  EXPECT_TRUE(both.matches(friday_13th));
  EXPECT_FALSE(both.matches(friday_20th));
  EXPECT_FALSE(both.matches(sunday_13th));
}

TEST(CronFields, KnowWhetherTheHourIsAWildcard) {
  EXPECT_TRUE(fields("0 * * * *").any_hour);
  EXPECT_TRUE(fields("0 */2 * * *").any_hour);
  EXPECT_TRUE(fields("0 0-23 * * *").any_hour);
  EXPECT_FALSE(fields("0 0-22/2 * * *").any_hour);
  EXPECT_FALSE(fields("* 2 * * *").any_hour);
}

TEST(CronFields, AnErrorNamesTheFieldTheReasonAndTheRemedy) {
  EXPECT_EQ(error("60 * * * *"), "minute \"60\": not within 0-59");
  EXPECT_EQ(error("0 24 * * *"), "hour \"24\": not within 0-23");
  EXPECT_EQ(error("0 0 0 * *"), "day of the month \"0\": not within 1-31");
  EXPECT_EQ(error("0 0 1 13 *"), "month \"13\": not within 1-12");
  EXPECT_EQ(error("0 0 * * 8"), "day of the week \"8\": not within 0-7");
  EXPECT_EQ(error("0 0 * * feb"), "day of the week \"feb\": this is no number and no name");
  EXPECT_EQ(error("x * * * *"), "minute \"x\": this is no number");
  EXPECT_EQ(error("99999999999 * * * *"), "minute \"99999999999\": not within 0-59");
  EXPECT_EQ(error("5/15 * * * *"), "minute \"5/15\": a step follows * or a range: 5-59/N");
  EXPECT_EQ(error("*/90 * * * *"), "minute \"90\": a step here is a number of 1-59");
  EXPECT_EQ(error("*/0 * * * *"), "minute \"0\": a step here is a number of 1-59");
  EXPECT_THAT(error("*/ * * * *"), HasSubstr("a step here is a number"));
  EXPECT_THAT(error("50-10 * * * *"), HasSubstr("write two, separated by a comma"));
  EXPECT_THAT(error("0 0 * * sat-mon"), HasSubstr("write two, separated by a comma"));
  EXPECT_THAT(error("1,,2 * * * *"), HasSubstr("this is no number"));
  EXPECT_THAT(error("1- * * * *"), HasSubstr("this is no number"));
  EXPECT_THAT(error("-1 * * * *"), HasSubstr("this is no number"));
  EXPECT_THAT(error("*-5 * * * *"), HasSubstr("this is no number"));
  EXPECT_THAT(error(""), HasSubstr("0 fields instead of 5"));
  EXPECT_THAT(error("* * * *"), HasSubstr("4 fields instead of 5: minute, hour,"));
  EXPECT_THAT(error("0 * * * * *"), HasSubstr("use every()"));
}

TEST(CronFields, RefusesTheDialectsOfOthers) {
  for (const char* dialect :
       {"0 0 L * *", "0 0 15W * *", "0 0 * * 5#3", "0 0 ? * *", "0 0 * * 5L"}) {
    EXPECT_THAT(error(dialect), HasSubstr("not known here")) << dialect;
  }
}

TEST(CronFields, RefusesADateThatNeverComes) {
  EXPECT_THAT(error("0 0 30 2 *"), HasSubstr("no date ever matches"));
  EXPECT_THAT(error("0 0 31 2,4,6,9,11 *"), HasSubstr("no date ever matches"));
  fields("0 0 29 2 *");
  fields("0 0 30 2 mon");  // Mondays in February: either day is enough.
}

}  // namespace
}  // namespace reeve::worker
