#pragma once
// The five fields of a crontab(5) expression, read and checked. Pure: it knows days and times of
// day, no zone and no clock.

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace reeve::worker {

/// Which values each field matches, a bit each.
struct CronFields {
  std::uint64_t minutes = 0;
  std::uint32_t hours = 0;
  std::uint32_t days = 0;      ///< 1 to 31
  std::uint32_t months = 0;    ///< 1 to 12
  std::uint32_t weekdays = 0;  ///< 0, Sunday, to 6
  /// The hour begins with `*`, or names all 24: such a schedule follows the time that passes, not
  /// the clock.
  bool any_hour = false;
  /// A day must match both its fields, since one of them begins with `*`; else either is enough.
  bool both_days = true;

  /// The error names the field, what is wrong with it, and what to write instead.
  [[nodiscard]] static std::expected<CronFields, std::string> parse(std::string_view expression);

  [[nodiscard]] bool matches(std::chrono::local_days day) const;
  [[nodiscard]] bool matches_hour(std::chrono::hours hour) const {
    return (hours >> hour.count() & 1U) != 0;
  }
  [[nodiscard]] bool matches_minute(std::chrono::minutes minute) const {
    return (minutes >> minute.count() & 1U) != 0;
  }

  bool operator==(const CronFields&) const = default;
};

}  // namespace reeve::worker
