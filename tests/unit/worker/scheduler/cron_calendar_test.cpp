// When a cron expression is due, in zones and years where the clocks change in every way. What is
// expected comes from the shown clock, minute by minute, in a different way than the calendar
// counts.

#include "worker/scheduler/cron_calendar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/schedule.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

sys_seconds utc(int y, unsigned m, unsigned d, int h = 0, int min = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(h) + minutes(min);
}

std::string text(sys_seconds at) {
  const sys_days date = floor<days>(at);
  const year_month_day ymd(date);
  const hh_mm_ss time(at - date);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%02u-%02u %02d:%02d", unsigned(ymd.month()),
                unsigned(ymd.day()), int(time.hours().count()), int(time.minutes().count()));
  return buffer;
}

/// The times in UTC at which it is due within (from, to].
std::vector<std::string> due(std::string_view expression, std::string_view zone, sys_seconds from,
                             sys_seconds to) {
  const Schedule schedule = cron(expression, zone);
  std::vector<std::string> result;
  for (auto at = schedule.next(from); at && *at <= to; at = schedule.next(*at)) {
    result.push_back(text(floor<seconds>(*at)));
  }
  return result;
}

// Berlin: on 2026-03-29 at 01:00 UTC the clocks go from 02:00 to 03:00; on 2026-10-25 at 01:00 UTC
// from 03:00 to 02:00.

TEST(CronCalendar, WhatIsSkippedRunsOnceRightAfterTheSkip) {
  const auto from = utc(2026, 3, 28, 12);
  const auto to = utc(2026, 3, 29, 12);
  EXPECT_THAT(due("30 2 * * *", "Europe/Berlin", from, to), ElementsAre("03-29 01:00"));
  EXPECT_THAT(due("*/10 2 * * *", "Europe/Berlin", from, to), ElementsAre("03-29 01:00"));
  EXPECT_THAT(due("0 2,3 * * *", "Europe/Berlin", from, to), ElementsAre("03-29 01:00"));
  EXPECT_THAT(due("30 1-3 * * *", "Europe/Berlin", from, to),
              ElementsAre("03-29 00:30", "03-29 01:00", "03-29 01:30"));
}

TEST(CronCalendar, WhatIsRepeatedRunsTheFirstTimeOnly) {
  const auto from = utc(2026, 10, 24, 12);
  const auto to = utc(2026, 10, 25, 12);
  EXPECT_THAT(due("30 2 * * *", "Europe/Berlin", from, to), ElementsAre("10-25 00:30"));
  EXPECT_THAT(due("30 1-3 * * *", "Europe/Berlin", from, to),
              ElementsAre("10-24 23:30", "10-25 00:30", "10-25 02:30"));
}

TEST(CronCalendar, AWildcardHourFollowsTheTimeThatPasses) {
  EXPECT_THAT(due("0 * * * *", "Europe/Berlin", utc(2026, 3, 29), utc(2026, 3, 29, 3)),
              ElementsAre("03-29 01:00", "03-29 02:00", "03-29 03:00"));
  EXPECT_THAT(due("30 * * * *", "Europe/Berlin", utc(2026, 10, 25), utc(2026, 10, 25, 3)),
              ElementsAre("10-25 00:30", "10-25 01:30", "10-25 02:30"));
  EXPECT_THAT(due("0 */2 * * *", "Europe/Berlin", utc(2026, 3, 28, 23), utc(2026, 3, 29, 5)),
              ElementsAre("03-29 02:00", "03-29 04:00"))
      << "02:00 is not made up";
}

TEST(CronCalendar, LordHoweMovesByHalfAnHour) {
  // 2026-04-05 02:00 +11 back to 01:30; 2026-10-04 02:00 +10:30 on to 02:30.
  EXPECT_THAT(due("45 1 * * *", "Australia/Lord_Howe", utc(2026, 4, 4, 12), utc(2026, 4, 5, 12)),
              ElementsAre("04-04 14:45"));
  EXPECT_THAT(due("15 2 * * *", "Australia/Lord_Howe", utc(2026, 10, 3, 12), utc(2026, 10, 4, 12)),
              ElementsAre("10-03 15:30"));
  EXPECT_THAT(due("0,45 * * * *", "Australia/Lord_Howe", utc(2026, 4, 4, 14), utc(2026, 4, 4, 16)),
              ElementsAre("04-04 14:45", "04-04 15:15", "04-04 15:30"));
}

TEST(CronCalendar, ADayThatApiaSkippedDoesNotExist) {
  // After 2011-12-29 23:59 came 2011-12-31 00:00, at 10:00 UTC.
  EXPECT_THAT(due("0 12 * * *", "Pacific/Apia", utc(2011, 12, 29, 12), utc(2011, 12, 31, 12)),
              ElementsAre("12-29 22:00", "12-30 22:00"));
  EXPECT_THAT(due("0 12 30 * *", "Pacific/Apia", utc(2011, 12, 1), utc(2012, 1, 31)),
              ElementsAre("01-29 22:00"));
  EXPECT_THAT(due("0 */12 * * *", "Pacific/Apia", utc(2011, 12, 29, 12), utc(2011, 12, 31, 0)),
              ElementsAre("12-29 22:00", "12-30 10:00", "12-30 22:00"));
}

TEST(CronCalendar, MidnightCanBeSkipped) {
  // Beirut: on 2026-03-29 the clocks go from 00:00 to 01:00, at 22:00 UTC of the day before.
  EXPECT_THAT(due("0 0 * * *", "Asia/Beirut", utc(2026, 3, 27, 12), utc(2026, 3, 30)),
              ElementsAre("03-27 22:00", "03-28 22:00", "03-29 21:00"));
  EXPECT_THAT(due("0 */3 29 3 *", "Asia/Beirut", utc(2026, 3, 28), utc(2026, 3, 29, 4)),
              ElementsAre("03-29 00:00", "03-29 03:00"));
}

TEST(CronCalendar, LeapDaysAndLongWaits) {
  EXPECT_EQ(cron("0 0 29 2 *", "UTC").next(utc(2026, 1, 1)), utc(2028, 2, 29));
  EXPECT_EQ(cron("0 0 29 2 *", "UTC").next(utc(2096, 3, 1)), utc(2104, 2, 29));
  EXPECT_EQ(cron("0 0 29 2 */7", "UTC").next(utc(2088, 3, 1)), utc(2128, 2, 29))
      << "29 February on a Sunday: forty years";
}

TEST(CronCalendar, IsLaterThanAfterByNothingLess) {
  const Schedule minutely = cron("* * * * *", "UTC");
  EXPECT_EQ(minutely.next(utc(2026, 1, 1)), utc(2026, 1, 1, 0, 1));
  EXPECT_EQ(minutely.next(utc(2026, 1, 1) - milliseconds(1)), utc(2026, 1, 1));
  EXPECT_EQ(minutely.next(utc(1950, 1, 1)), utc(1970, 1, 1)) << "a clock that was never set";
  EXPECT_EQ(minutely.next(utc(9960, 1, 1)), std::nullopt);
}

TEST(CronCalendar, AfterTheLastRecordedChangeTheRuleGoesOn) {
  // Files of the tz database often end in 2037, with a rule for what follows.
  EXPECT_EQ(cron("0 12 * * *", "Europe/Berlin").next(utc(2060, 7, 1)), utc(2060, 7, 1, 10));
}

TEST(CronCalendar, AnUnknownZoneIsNamedWithARemedy) {
  const auto error = [](std::string_view expression, std::string_view zone) -> std::string {
    try {
      (void)cron(expression, zone);
    } catch (const std::invalid_argument& refused) {
      return refused.what();
    }
    return "";
  };
  EXPECT_THAT(error("0 0 * * *", "Europe/Berln"),
              HasSubstr("cron(\"0 0 * * *\"): no time zone \"Europe/Berln\""));
  EXPECT_THAT(error("0 0 * * *", "Europe/Berln"), HasSubstr("\"Europe/Berlin\""));
  EXPECT_THAT(error("0 0 * * *", "/etc/localtime"), HasSubstr("no time zone"));
  EXPECT_THAT(error("0 0 30 2 *", "UTC"), HasSubstr("cron(\"0 0 30 2 *\"): no date"));
  EXPECT_EQ(cron("@daily").text(), "@daily");
  EXPECT_EQ(cron("0 0 * * *", "Asia/Kolkata").text(), "0 0 * * * Asia/Kolkata");
}

TEST(Every, HasItsTimesAtMultiplesOfThePeriod) {
  const Schedule schedule = every(milliseconds(1500));
  EXPECT_EQ(schedule.text(), "every 1.5 s");
  EXPECT_EQ(schedule.next(WallTime(milliseconds(0))), WallTime(milliseconds(1500)));
  EXPECT_EQ(schedule.next(WallTime(milliseconds(1499))), WallTime(milliseconds(1500)));
  EXPECT_EQ(schedule.next(WallTime(milliseconds(1500))), WallTime(milliseconds(3000)));
  EXPECT_EQ(schedule.next(WallTime(milliseconds(-1))), WallTime(milliseconds(0)));
  EXPECT_EQ(schedule.next(WallTime(milliseconds(-1500))), WallTime(milliseconds(0)));
  EXPECT_EQ(every(milliseconds(20)).text(), "every 20 ms");
  EXPECT_THROW((void)every(milliseconds(0)), std::invalid_argument);
  EXPECT_THROW((void)every(hours(24 * 400)), std::invalid_argument);
}

/// What a clock that is looked at once a minute would start. Counts minutes in plain numbers: it
/// looks at eleven million of them.
class MinuteByMinute {
 public:
  MinuteByMinute(const CronFields& fields, std::int64_t now)
      : fields_(fields), last_(now), highest_(now) {
    for (unsigned minute = 0; minute < due_.size(); ++minute) {
      due_[minute] =
          fields.matches_hour(hours(minute / 60)) && fields.matches_minute(minutes(minute % 60));
    }
  }

  /// The clock shows `now`, a minute after the last time that this was called.
  bool starts(std::int64_t now) {
    const bool due = fields_.any_hour ? matches(now) : on_clock(now);
    last_ = now;
    highest_ = std::max(highest_, now);
    return due;
  }

 private:
  static constexpr std::int64_t kDay = 24 * 60;

  bool on_clock(std::int64_t now) {
    if (now <= highest_) return false;  // Shown before.
    if (now - last_ > 3 * 60 + 1) return matches(now);
    for (std::int64_t passed = std::max(last_, highest_) + 1; passed <= now; ++passed) {
      if (matches(passed)) return true;
    }
    return false;
  }
  bool matches(std::int64_t at) {
    if (const std::int64_t day = at / kDay; day != day_) {
      day_ = day;
      day_matches_ = fields_.matches(local_days(days(day)));
    }
    return day_matches_ && due_[static_cast<std::size_t>(at % kDay)];
  }

  CronFields fields_;
  std::array<bool, kDay> due_{};
  std::int64_t last_;
  std::int64_t highest_;
  std::int64_t day_ = -1;
  bool day_matches_ = false;
};

/// Both, from minute to minute. Returns how often it was due.
int compare(const Zone& zone, const std::string& expression, sys_seconds from, sys_seconds to) {
  const auto fields = CronFields::parse(expression);
  if (!fields) throw std::logic_error(expression + ": " + fields.error());
  const CronCalendar calendar(*fields, zone);
  const auto number = [](auto at) { return floor<minutes>(at).time_since_epoch().count(); };
  const auto next = [&](std::int64_t after) {
    const auto found = calendar.next(sys_seconds(minutes(after)));
    return found ? number(*found) : -1;
  };
  std::int64_t local = number(zone.local(from));
  MinuteByMinute reference(*fields, local);
  std::int64_t expected = next(number(from));
  const std::int64_t end = number(to);
  int runs = 0;
  for (std::int64_t at = number(from) + 1; at <= end; ++at) {
    // The clocks of these years change at quarters of an hour only.
    local = at % 15 == 0 ? number(zone.local(sys_seconds(minutes(at)))) : local + 1;
    const bool due = reference.starts(local);
    if (due != (expected == at)) {
      ADD_FAILURE() << expression << " in " << zone.name() << " at "
                    << text(sys_seconds(minutes(at))) << " UTC, minute " << at
                    << ": the calendar says " << (due ? "not due" : "due");
      return runs;
    }
    if (due) {
      ++runs;
      expected = next(at);
    }
  }
  return runs;
}

class CronProperty : public ::testing::TestWithParam<const char*> {};

TEST_P(CronProperty, AgreesWithMinuteByMinuteForTwentyYears) {
  const auto zone = Zone::find(GetParam());
  ASSERT_TRUE(zone) << zone.error();
  for (const char* expression : {"30 2 * * *", "15 */12 * * *"}) {
    EXPECT_GT(compare(*zone, expression, utc(2020, 1, 1), utc(2041, 1, 1)), 20 * 365);
  }
}

std::string random_field(std::mt19937& random, int first, int last, int stars) {
  const auto roll = [&](int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
  };
  if (roll(0, 9) < stars) return "*";
  const int from = roll(first, last);
  switch (roll(0, 3)) {
    case 0:
      return "*/" + std::to_string(roll(1, last - first));
    case 1:
      return std::to_string(from) + "-" + std::to_string(roll(from, last));
    case 2:
      return std::to_string(from) + "," + std::to_string(roll(first, last));
    default:
      return std::to_string(from);
  }
}

TEST_P(CronProperty, AgreesWithMinuteByMinuteForRandomExpressions) {
  const auto zone = Zone::find(GetParam());
  ASSERT_TRUE(zone) << zone.error();
  std::mt19937 random(20261122);
  int checked = 0;
  while (checked < 6) {
    const std::string expression =
        random_field(random, 0, 59, 3) + " " + random_field(random, 0, 23, 3) + " " +
        random_field(random, 1, 31, 7) + " " + random_field(random, 1, 12, 8) + " " +
        random_field(random, 0, 7, 7);
    if (!CronFields::parse(expression)) continue;  // No such date.
    ++checked;
    const int year = std::uniform_int_distribution<int>(2020, 2040)(random);
    compare(*zone, expression, utc(year, 1, 1), utc(year + 1, 1, 1));
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, CronProperty,
                         ::testing::Values("Europe/Berlin", "America/New_York",
                                           "Australia/Lord_Howe", "Asia/Kolkata", "America/Havana",
                                           "Africa/Casablanca", "UTC"),
                         [](const auto& zone) {
                           std::string name = zone.param;
                           for (char& c : name) {
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace reeve::worker
