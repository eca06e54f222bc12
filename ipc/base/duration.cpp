#include "ipc/base/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

using std::chrono::milliseconds;

struct TimeUnit {
  std::string_view name;
  milliseconds length;
};
constexpr std::array<TimeUnit, 4> kTimeUnits{{{"h", std::chrono::hours(1)},
                                              {"m", std::chrono::minutes(1)},
                                              {"s", std::chrono::seconds(1)},
                                              {"ms", milliseconds(1)}}};

constexpr milliseconds kLongest = std::chrono::days(1000);
constexpr std::string_view kDigits = "0123456789";

/// Cuts what consists of `letters` off the front of `text`.
std::string_view take_while(std::string_view& text, std::string_view letters) {
  const std::string_view front = text.substr(0, text.find_first_not_of(letters));
  text.remove_prefix(front.size());
  return front;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  milliseconds sum{};
  const auto* unit = kTimeUnits.begin();
  while (!text.empty()) {
    const auto count = parse_number<std::uint32_t>(take_while(text, kDigits));
    const std::string_view name = take_while(text, "hms");
    while (unit != kTimeUnits.end() && unit->name != name) ++unit;
    if (!count || unit == kTimeUnits.end()) return std::nullopt;
    sum += *count * unit->length;
    if (sum > kLongest) return std::nullopt;
    ++unit;
  }
  return sum;
}

std::string write_duration(Duration duration) {
  auto left = std::chrono::floor<milliseconds>(duration);
  std::string text;
  for (const TimeUnit& unit : kTimeUnits) {
    if (const auto count = left / unit.length; count > 0)
      text += fmt::format("{}{}", count, unit.name);
    left %= unit.length;
  }
  return text.empty() ? "0s" : text;
}

std::string short_duration(Duration duration) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  const auto ms = us / 1000;
  if (us < 10'000 && us % 1000 >= 100) return fmt::format("{}.{} ms", ms, us % 1000 / 100);
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 10'000 && ms % 1000 >= 100) return fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100);
  const auto seconds = ms / 1000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h", seconds / 3600);
}

}  // namespace reeve::ipc
