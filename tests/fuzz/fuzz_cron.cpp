// The cron expression of anyone: refused with one line, or due at times that only grow and that its
// own fields match.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "worker/scheduler/cron_calendar.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono;
  const auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto fields = reeve::worker::CronFields::parse(text);
  if (!fields) {
    require(!fields.error().empty());
    return 0;
  }
  const auto zone = reeve::worker::Zone::find("UTC");
  require(zone.has_value());
  const reeve::worker::CronCalendar calendar(*fields, *zone);
  reeve::WallTime at = sys_days(year(2026) / 1 / 1);
  for (int i = 0; i < 3; ++i) {
    const auto next = calendar.next(at);
    require(next.has_value() && *next > at);
    const auto day = floor<days>(*next);
    const hh_mm_ss time(*next - day);
    require(fields->matches(local_days(day.time_since_epoch())));
    require(fields->matches_hour(time.hours()) && fields->matches_minute(time.minutes()));
    require(time.seconds() == seconds(0) && time.subseconds() == milliseconds(0));
    at = *next;
  }
  return 0;
}
