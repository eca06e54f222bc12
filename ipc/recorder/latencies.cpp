// Which requests were how slow: the arithmetic of a histogram whose buckets grow by half an octave.

#include "ipc/recorder/latencies.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

namespace reeve::ipc {
namespace {

constexpr std::int64_t kFirstLimitNs = 250'000;
constexpr double kGrowth = 1.4142135623730951;  // sqrt(2)

/// Where each bucket ends but the last, which has no end.
constexpr auto kLimits = [] {
  std::array<std::int64_t, Latencies::kBuckets - 1> limits{};
  double limit = kFirstLimitNs;
  for (std::int64_t& each : limits) {
    each = static_cast<std::int64_t>(limit);
    limit *= kGrowth;
  }
  return limits;
}();

}  // namespace

std::size_t Latencies::bucket_of(Duration took) {
  const std::int64_t ns = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
  return static_cast<std::size_t>(std::ranges::lower_bound(kLimits, ns) - kLimits.begin());
}

Duration Latencies::limit_of(std::size_t bucket) {
  return std::chrono::nanoseconds(kLimits[std::min(bucket, kLimits.size() - 1)]);
}

std::uint64_t Latencies::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

Duration Latencies::quantile(double share) const {
  const std::uint64_t all = total();
  if (all == 0) return {};
  const double rank = std::ceil(share * static_cast<double>(all));
  double seen = 0;
  for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) {
    seen += static_cast<double>(counts[bucket]);
    if (seen >= rank) return limit_of(bucket);
  }
  return limit_of(counts.size());
}

Latencies& Latencies::operator+=(const Latencies& other) {
  std::ranges::transform(counts, other.counts, counts.begin(), std::plus{});
  return *this;
}

Latencies Latencies::since(const Latencies& earlier) const {
  Latencies difference;
  std::ranges::transform(
      counts, earlier.counts, difference.counts.begin(),
      [](std::uint64_t now, std::uint64_t before) { return now > before ? now - before : 0; });
  return difference;
}

}  // namespace reeve::ipc
