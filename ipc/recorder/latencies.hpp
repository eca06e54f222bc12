#pragma once
// How slow requests were: a histogram of a fixed size, which a worker fills and the master reads.
// Pure.

#include <array>
#include <cstddef>
#include <cstdint>

#include "ipc/base/clock.hpp"

namespace reeve::ipc {

/// How many requests took how long, in steps of the square root of two from a quarter of a
/// millisecond to 8 s: a quantile is right to within 41 %. Plain counts, so that two readings can
/// be subtracted, and those of several workers added.
struct Latencies {
  static constexpr std::size_t kBuckets = 32;
  std::array<std::uint64_t, kBuckets> counts{};

  /// The bucket of a request by its time. The first takes all that were faster, the last all
  /// that were slower.
  [[nodiscard]] static std::size_t bucket_of(Duration took);
  /// Where the bucket ends.
  [[nodiscard]] static Duration limit_of(std::size_t bucket);

  [[nodiscard]] std::uint64_t total() const;
  /// The time within which `share` (0 to 1) of the requests were answered; zero without any.
  [[nodiscard]] Duration quantile(double share) const;

  Latencies& operator+=(const Latencies& other);
  /// The counts since `earlier`. One that went back, as only a worker that lies can show, is 0.
  [[nodiscard]] Latencies since(const Latencies& earlier) const;

  bool operator==(const Latencies&) const = default;
};

}  // namespace reeve::ipc
