#include "worker/scheduler/cron_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "ipc/base/text.hpp"
#include "reeve/headers.hpp"

namespace reeve::worker {
namespace {

template <class T>
using Result = std::expected<T, std::string>;

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

constexpr std::pair<std::string_view, std::string_view> kShortForms[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/// What a field may hold.
struct Field {
  std::string_view name;
  unsigned first;
  unsigned last;
  std::span<const std::string_view> names{};  ///< of `first` and those after it
};

constexpr std::array<Field, 5> kFields = {{
    {"minute", 0, 59},
    {"hour", 0, 23},
    {"day of the month", 1, 31},
    {"month", 1, 12, kMonths},
    {"day of the week", 0, 7, kWeekdays},
}};
constexpr unsigned kSunday = 7;  // 0, too: a range may end with it.

constexpr std::string_view kBlanks = " \t";

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0;;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    if (end == text.size()) return parts;
    at = end + 1;
  }
}

std::unexpected<std::string> refuse(const Field& field, std::string_view text,
                                    std::string_view why) {
  return std::unexpected(fmt::format("{} \"{}\": {}", field.name, text, why));
}

/// A number or a name, within the field.
Result<unsigned> parse_value(const Field& field, std::string_view text) {
  for (std::size_t i = 0; i < field.names.size(); ++i) {
    if (equals_ignoring_case(text, field.names[i])) return field.first + static_cast<unsigned>(i);
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size()) {
    if (text.find_first_of("LlWw#?") != std::string_view::npos) {
      return refuse(field, text, "L, W, # and ? are not known here, as in crontab(5)");
    }
    return refuse(field, text,
                  field.names.empty() ? "this is no number" : "this is no number and no name");
  }
  if (error != std::errc{} || value < field.first || value > field.last) {
    return refuse(field, text, fmt::format("not within {}-{}", field.first, field.last));
  }
  return value;
}

Result<unsigned> parse_step(const Field& field, std::string_view text) {
  const auto step = ipc::parse_number<unsigned>(text);
  const unsigned most = field.last - field.first;
  if (step && *step > 0 && *step <= most) return *step;
  return refuse(field, text, fmt::format("a step here is a number of 1-{}", most));
}

/// `*`, `5`, `1-5`, `*/2`, `1-5/2`: the bits.
Result<std::uint64_t> parse_item(const Field& field, std::string_view item) {
  const auto slash = item.find('/');
  const std::string_view range = item.substr(0, slash);
  const auto dash = range.find('-');
  unsigned first = field.first;
  unsigned last = field.last == kSunday ? kSunday - 1 : field.last;

  if (range != "*") {
    const Result<unsigned> from = parse_value(field, range.substr(0, dash));
    if (!from) return std::unexpected(from.error());
    first = last = *from;
    if (dash != std::string_view::npos) {
      const std::string_view text = range.substr(dash + 1);
      const Result<unsigned> to = parse_value(field, text);
      if (!to) return std::unexpected(to.error());
      last = field.last == kSunday && equals_ignoring_case(text, kWeekdays[0]) ? kSunday : *to;
    } else if (slash != std::string_view::npos) {
      return refuse(field, item,
                    fmt::format("a step follows * or a range: {}-{}/N", range, field.last));
    }
    if (last < first) {
      return refuse(field, item, "a range cannot wrap around; write two, separated by a comma");
    }
  }

  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const Result<unsigned> parsed = parse_step(field, item.substr(slash + 1));
    if (!parsed) return std::unexpected(parsed.error());
    step = *parsed;
  }
  std::uint64_t bits = 0;
  for (unsigned value = first; value <= last; value += step) bits |= std::uint64_t{1} << value;
  return bits;
}

Result<std::uint64_t> parse_field(const Field& field, std::string_view text) {
  std::uint64_t bits = 0;
  for (const std::string_view item : split(text, ",")) {
    const Result<std::uint64_t> parsed = parse_item(field, item);
    if (!parsed) return parsed;
    bits |= *parsed;
  }
  if (field.last == kSunday && (bits >> kSunday & 1U) != 0) {
    bits = (bits & ~(std::uint64_t{1} << kSunday)) | 1U;
  }
  return bits;
}

Result<std::array<std::string_view, 5>> five_of(std::string_view expression) {
  std::vector<std::string_view> parts = split(expression, kBlanks);
  std::erase(parts, std::string_view());
  if (parts.size() == 6) {
    return std::unexpected(
        "6 fields; there are no seconds here: for less than a minute use every()");
  }
  if (parts.size() != 5) {
    return std::unexpected(fmt::format(
        "{} fields instead of 5: minute, hour, day of the month, month, day of the week",
        parts.size()));
  }
  std::array<std::string_view, 5> five;
  std::ranges::copy(parts, five.begin());
  return five;
}

Result<std::string_view> expand(std::string_view expression) {
  const auto first = expression.find_first_not_of(kBlanks);
  const auto last = expression.find_last_not_of(kBlanks);
  if (first == std::string_view::npos || expression[first] != '@') return expression;
  const std::string_view word = expression.substr(first, last - first + 1);
  for (const auto& [name, fields] : kShortForms) {
    if (equals_ignoring_case(word, name)) return fields;
  }
  return std::unexpected(
      word == "@reboot"
          ? "@reboot is not a time; for work at the start use App::step()"
          : "this short form is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, "
            "@annually");
}

/// A pair of day and weekday comes again after 400 years at the latest, when the calendar repeats.
bool ever_matches(const CronFields& fields) {
  using namespace std::chrono;
  const local_days begin(year(2000) / 1 / 1);
  for (local_days day = begin; day < begin + days(146'097); day += days(1)) {
    if (fields.matches(day)) return true;
  }
  return false;
}

}  // namespace

std::expected<CronFields, std::string> CronFields::parse(std::string_view expression) {
  const Result<std::string_view> expanded = expand(expression);
  if (!expanded) return std::unexpected(expanded.error());
  const auto five = five_of(*expanded);
  if (!five) return std::unexpected(five.error());

  std::array<std::uint64_t, 5> bits{};
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const Result<std::uint64_t> parsed = parse_field(kFields[i], (*five)[i]);
    if (!parsed) return std::unexpected(parsed.error());
    bits[i] = *parsed;
  }
  constexpr std::uint64_t kAllHours = (std::uint64_t{1} << 24) - 1;
  const CronFields fields{
      .minutes = bits[0],
      .hours = static_cast<std::uint32_t>(bits[1]),
      .days = static_cast<std::uint32_t>(bits[2]),
      .months = static_cast<std::uint32_t>(bits[3]),
      .weekdays = static_cast<std::uint32_t>(bits[4]),
      .any_hour = (*five)[1].starts_with('*') || bits[1] == kAllHours,
      .both_days = (*five)[2].starts_with('*') || (*five)[4].starts_with('*'),
  };
  if (!ever_matches(fields)) {
    return std::unexpected("no date ever matches its day of the month and its month");
  }
  return fields;
}

bool CronFields::matches(std::chrono::local_days day) const {
  const std::chrono::year_month_day date(day);
  if ((months >> static_cast<unsigned>(date.month()) & 1U) == 0) return false;
  const bool in_month = (days >> static_cast<unsigned>(date.day()) & 1U) != 0;
  const bool in_week = (weekdays >> std::chrono::weekday(day).c_encoding() & 1U) != 0;
  return both_days ? in_month && in_week : in_month || in_week;
}

}  // namespace reeve::worker
