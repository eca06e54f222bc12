#pragma once
// The times of a cron expression in a time zone, through the days on which the clocks change. Pure.
//
// The rule is that of vixie cron (crontab(8): "local time changes of less than three hours"): a
// schedule with a wildcard hour follows the time that passes, so it needs no care. A schedule at
// certain hours runs once a day whatever the clocks do: what they skip runs right after the skip,
// what they repeat runs the first time only.

#include <optional>

#include "reeve/schedule.hpp"
#include "worker/scheduler/cron_fields.hpp"
#include "worker/scheduler/zone.hpp"

namespace reeve::worker {

class CronCalendar final : public Schedule::Calendar {
 public:
  CronCalendar(const CronFields& fields, Zone zone);

  [[nodiscard]] std::optional<WallTime> next(WallTime after) const override;

 private:
  using Instant = std::chrono::sys_seconds;

  [[nodiscard]] std::optional<std::chrono::local_days> next_day(std::chrono::local_days from) const;
  [[nodiscard]] std::optional<Instant> next_on_clock(Instant after) const;
  [[nodiscard]] std::optional<Instant> next_of_day(std::chrono::local_days day,
                                                   std::chrono::seconds from, Instant after) const;
  [[nodiscard]] std::optional<Instant> next_passing(Instant after) const;
  [[nodiscard]] Instant skip_hour(Instant at, std::chrono::local_seconds local) const;
  [[nodiscard]] Instant begin_of(std::chrono::local_days day, Instant at) const;

  CronFields fields_;
  Zone zone_;
};

}  // namespace reeve::worker
