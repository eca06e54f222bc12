#include "reeve/schedule.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace reeve {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortest{1};
constexpr milliseconds kLongest = std::chrono::hours(24 * 366);

/// "every 30 s", "every 1.5 s", "every 250 ms".
std::string describe(milliseconds period) {
  if (period < std::chrono::seconds(1)) return fmt::format("every {} ms", period.count());
  const std::chrono::duration<double> seconds = period;
  return fmt::format("every {} s", seconds.count());
}

/// The end of the years that ISO 8601 writes with four digits, and the master accepts.
constexpr WallTime kEnd = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);

}  // namespace

Schedule::Schedule(std::string text, std::shared_ptr<const Calendar> calendar)
    : text_(std::move(text)), calendar_(std::move(calendar)) {
  if (calendar_ == nullptr) throw std::invalid_argument("a schedule needs a calendar");
}

Schedule::Schedule(milliseconds period) : text_(describe(period)), period_(period) {
  if (period < kShortest || period > kLongest) {
    throw std::invalid_argument(
        fmt::format("every({} ms): an interval is 1 ms to 366 days long", period.count()));
  }
}

std::optional<WallTime> Schedule::next(WallTime after) const {
  if (calendar_ != nullptr) return calendar_->next(after);
  const WallTime epoch{};
  auto periods = (after - epoch) / period_;
  if (after < epoch && (after - epoch) % period_ != milliseconds::zero()) --periods;
  const WallTime next = epoch + (periods + 1) * period_;
  if (next > kEnd) return std::nullopt;
  return next;
}

std::optional<milliseconds> Schedule::period() const {
  if (calendar_ != nullptr) return std::nullopt;
  return period_;
}

Schedule every(milliseconds period) { return Schedule(period); }

}  // namespace reeve
