#pragma once
// When a scheduled job is due: at times of the calendar, or at a fixed interval. A Schedule is a
// value that never changes: it may be copied, and read by any thread. It does not run anything: see
// reeve/scheduled_job.hpp.
//
//   cron("*/5 8-18 * * mon-fri", "Europe/Berlin")     every(30s)

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace reeve {

/// A time of the wall clock, in UTC.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// When a scheduled job is due. Made by cron() and every(); a value, for any thread.
class Schedule {
 public:
  /// The times of a calendar. What an application writes itself must be pure: the same argument
  /// always gets the same answer.
  class Calendar {
   public:
    Calendar() = default;
    Calendar(const Calendar&) = delete;
    Calendar& operator=(const Calendar&) = delete;
    virtual ~Calendar() = default;
    /// The first time that is later than `after`; none when there is none any more.
    [[nodiscard]] virtual std::optional<WallTime> next(WallTime after) const = 0;
  };

  /// At the times of a calendar; `text` is what `reevectl status --schedule` shows.
  Schedule(std::string text, std::shared_ptr<const Calendar> calendar);
  /// See every().
  explicit Schedule(std::chrono::milliseconds period);

  /// The first time that is later than `after`; none when there is none any more. An interval has
  /// its times at the multiples of its period since 1970-01-01 00:00 UTC here: all workers, and
  /// those after them, agree on these without a word.
  [[nodiscard]] std::optional<WallTime> next(WallTime after) const;

  /// How far apart the times of an interval are; none for a calendar.
  [[nodiscard]] std::optional<std::chrono::milliseconds> period() const;
  /// "*/5 * * * * Europe/Berlin", "every 30 s".
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::chrono::milliseconds period_{};
  std::shared_ptr<const Calendar> calendar_;  ///< Null for an interval.
};

/// At a fixed interval of 1 ms to 366 days. Throws std::invalid_argument beyond.
///
/// A scheduled job of scope Each is due one period after its worker became ready, then once a
/// period on the monotonic clock: it does not drift, whatever a run takes, and knows no clock
/// changes. One of scope One is due at the multiples of the period on the wall clock, so that it
/// goes on in step when it moves to another worker.
[[nodiscard]] Schedule every(std::chrono::milliseconds period);

/// At the times of a crontab(5) expression: minute, hour, day of the month, month, day of the week.
///
/// A field is `*`, a number, a range `a-b`, either of the two with a step (`*/15`, `8-18/2`), or a
/// list of them, separated by commas. Months and days of the week have names of three letters; 0
/// and 7 are Sunday. When both days are restricted, either is enough; when one of them begins with
/// `*`, both must match. @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually are
/// short forms. L, W, `#`, `?` and seconds are refused.
///
/// `zone` is a name of the tz database ("Europe/Berlin", "UTC"); an empty one is that of the
/// process: TZ, else /etc/localtime. In the hours in which the clocks change:
///   - an hour field that is `*` or begins with it follows the time that passes: every matching
///     time on the new clock, none made up, those that come twice run twice;
///   - any other runs what falls into the skipped hour once, right after it, and what falls into
///     the repeated hour once, the first time. A jump of more than three hours (a country that
///     moved across the date line) is a new calendar: what it skips does not exist.
///
/// Throws std::invalid_argument for an expression that is malformed or that no date ever matches
/// (30 February), and for a zone that is unknown or without data: its what() names the field, the
/// reason and the remedy.
[[nodiscard]] Schedule cron(std::string_view expression, std::string_view zone = {});

}  // namespace reeve
