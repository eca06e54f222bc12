// The recorder's histogram of how long requests took.

#include "ipc/recorder/latencies.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>

#include "ipc/recorder/reader.hpp"
#include "ipc/recorder/recorder.hpp"
#include "ipc/recorder/writer.hpp"

namespace reeve::ipc {
namespace {

using namespace std::chrono_literals;

Latencies of(std::initializer_list<Duration> durations) {
  Latencies latencies;
  for (const Duration took : durations) ++latencies.counts.at(Latencies::bucket_of(took));
  return latencies;
}

TEST(Latencies, EveryDurationHasABucketAndALongerOneNoEarlierOne) {
  std::size_t last = 0;
  for (Duration took = -1s; took < 30s; took += 100us) {
    const std::size_t bucket = Latencies::bucket_of(took);
    ASSERT_LT(bucket, RecorderPage::kLatencyBuckets);
    ASSERT_GE(bucket, last);
    last = bucket;
  }
  EXPECT_EQ(last, RecorderPage::kLatencyBuckets - 1);
  EXPECT_EQ(Latencies::bucket_of(Duration::max()), RecorderPage::kLatencyBuckets - 1);
}

TEST(Latencies, ABucketEndsAtMostHalfAnOctaveAboveWhatIsInIt) {
  for (const Duration took : {1ms, 7ms, 50ms, 333ms, 2000ms}) {
    const Duration shown = of({took}).quantile(0.5);
    EXPECT_GE(shown, took);
    EXPECT_LE(shown, took * 142 / 100);
  }
}

TEST(Latencies, AQuantileIgnoresTheRareSlowOne) {
  Latencies latencies;
  latencies.counts.at(Latencies::bucket_of(1ms)) = 99;
  latencies.counts.at(Latencies::bucket_of(5s)) = 1;
  EXPECT_LT(latencies.quantile(0.99), 2ms);
  EXPECT_GE(latencies.quantile(1.0), 5s);
  EXPECT_EQ(latencies.total(), 100U);
}

TEST(Latencies, WithoutRequestsEveryQuantileIsZero) {
  EXPECT_EQ(Latencies{}.quantile(0.99), Duration{});
}

TEST(Latencies, ADifferenceNeverWrapsAround) {
  const Latencies before = of({1ms, 1ms, 1s});
  const Latencies after = of({1ms, 1ms, 1ms});
  EXPECT_EQ(after.since(before), of({1ms}));
}

TEST(Latencies, TheWorkerFillsThemAndTheMasterReadsThem) {
  const Recorder recorder = Recorder::detached();
  const TimePoint now = Clock::now();
  {
    RecordedRequest request(recorder.page(), "GET", "/", now - 80ms);
    request.answered(200, now);
  }
  recorder.page().magic = RecorderPage::kMagic;
  const auto reading = read(recorder.page(), now);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->latencies, of({80ms}));
}

}  // namespace
}  // namespace reeve::ipc
