#include "worker/scheduler/cron_calendar.hpp"

#include <utility>

namespace reeve::worker {
namespace {

using namespace std::chrono;

/// Beyond it the clocks were not put forward: the calendar was changed.
constexpr seconds kLongestSkip = hours(3);

/// How far apart two matching days can be: 29 February on a certain day of the week, around 2100.
constexpr days kFarthest(41 * 366);

constexpr sys_seconds kBegin = sys_days(year(1970) / 1 / 1);
constexpr sys_seconds kEnd = sys_days(year(9950) / 1 / 1);

}  // namespace

CronCalendar::CronCalendar(const CronFields& fields, Zone zone)
    : fields_(fields), zone_(std::move(zone)) {}

std::optional<WallTime> CronCalendar::next(WallTime after) const {
  const Instant instant = std::max(floor<seconds>(after), kBegin - seconds(1));
  if (instant > kEnd) return std::nullopt;
  return fields_.any_hour ? next_passing(instant) : next_on_clock(instant);
}

/// The first matching day that is not before `from`.
std::optional<local_days> CronCalendar::next_day(local_days from) const {
  for (local_days day = from; day <= from + kFarthest; day += days(1)) {
    if (fields_.matches(day)) return day;
  }
  return std::nullopt;
}

/// Goes through the times of the clock in their order. The instants of them are in order, too: a
/// skipped one is the end of its skip, a repeated one its first.
std::optional<CronCalendar::Instant> CronCalendar::next_on_clock(Instant after) const {
  const local_seconds local = zone_.local(after);
  const local_days today = floor<days>(local);
  for (auto day = next_day(today); day; day = next_day(*day + days(1))) {
    const seconds from = *day == today ? seconds(local - today) : seconds(0);
    if (const auto found = next_of_day(*day, from, after)) return found;
    if (*day > today + kFarthest) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<CronCalendar::Instant> CronCalendar::next_of_day(local_days day, seconds from,
                                                               Instant after) const {
  for (hours hour = floor<hours>(from); hour < hours(24); ++hour) {
    if (!fields_.matches_hour(hour)) continue;
    for (minutes minute{0}; minute < hours(1); ++minute) {
      if (!fields_.matches_minute(minute)) continue;
      const Zone::Instants found = zone_.instants(day + hour + minute);
      if (found.first > after && found.gap <= kLongestSkip) return found.first;
    }
  }
  return std::nullopt;
}

/// Goes through the minutes that pass, and looks at the clock.
std::optional<CronCalendar::Instant> CronCalendar::next_passing(Instant after) const {
  Instant at = after + seconds(1);
  while (at < after + kFarthest) {
    const local_seconds local = zone_.local(at);
    const local_days day = floor<days>(local);
    const hh_mm_ss time(local - day);
    if (!fields_.matches(day)) {
      const auto next = next_day(day + days(1));
      if (!next) return std::nullopt;
      at = begin_of(*next, at);
    } else if (time.seconds() != seconds(0)) {
      at += minutes(1) - time.seconds();
    } else if (!fields_.matches_hour(time.hours())) {
      at = skip_hour(at, local);
    } else if (!fields_.matches_minute(time.minutes())) {
      at += minutes(1);
    } else {
      return at;
    }
  }
  return std::nullopt;
}

/// The next full hour, unless the clocks change before it.
CronCalendar::Instant CronCalendar::skip_hour(Instant at, local_seconds local) const {
  const seconds rest = floor<hours>(local) + hours(1) - local;
  return zone_.local(at + rest) == local + rest ? at + rest : at + minutes(1);
}

/// When the day begins, after `at`: it can begin twice, where the clocks are put back at midnight.
CronCalendar::Instant CronCalendar::begin_of(local_days day, Instant at) const {
  const Zone::Instants midnight = zone_.instants(day);
  if (midnight.first > at) return midnight.first;
  return midnight.second > at ? midnight.second : at + minutes(1);
}

}  // namespace reeve::worker
