#include "ipc/recorder/recorder.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <random>
#include <string>

#include "ipc/recorder/reader.hpp"
#include "ipc/recorder/writer.hpp"

namespace reeve::ipc {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const TimePoint kNow = from_nanoseconds(1'000'000'000'000);

class RecorderTest : public testing::Test {
 protected:
  RecorderReading reading(TimePoint now = kNow) { return read(page_, now).value(); }

  Recorder recorder_ = Recorder::detached();
  RecorderPage& page_ = recorder_.page();
};

TEST(Recorder, CannotBeShrunkGrownOrUnsealed) {
  const auto recorder = Recorder::create();
  ASSERT_TRUE(recorder) << recorder.error().text;
  EXPECT_EQ(::ftruncate(recorder->fd(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(recorder->fd(), 8192), -1);
  EXPECT_EQ(::fcntl(recorder->fd(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_TRUE(::fcntl(recorder->fd(), F_GETFD) & FD_CLOEXEC);
}

TEST(Recorder, TheMasterReadsWhatTheWorkerWrote) {
  const auto master = Recorder::create();
  EXPECT_FALSE(read(master->page(), kNow));  // A foreign worker never writes it.

  auto worker = Recorder::attach(UniqueFd(::dup(master->fd())));
  ASSERT_TRUE(worker) << worker.error().text;
  worker->page().heartbeat_ns = to_nanoseconds(kNow - 2s);
  worker->page().state = static_cast<std::uint64_t>(WorkerState::Running);
  worker->page().loop_lag_us = 1500;
  worker->page().connections = 7;
  record_activity(worker->page(), "opening redis");
  worker = failure("the worker died");

  const auto reading = read(master->page(), kNow);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->since_heartbeat, 2s);
  EXPECT_EQ(reading->state, WorkerState::Running);
  EXPECT_EQ(reading->loop_lag, 1500us);
  EXPECT_EQ(reading->connections, 7u);
  EXPECT_EQ(reading->activity, "opening redis");
}

TEST(Recorder, AttachRefusesWhatIsNotARecorder) {
  EXPECT_FALSE(Recorder::attach(UniqueFd()));
  EXPECT_FALSE(Recorder::attach(UniqueFd(::open("/dev/zero", O_RDWR | O_CLOEXEC))));
}

/// The recorder of another version: of `bytes`, all of them ones.
UniqueFd strange_recorder(std::size_t bytes) {
  UniqueFd fd(::memfd_create("strange", MFD_CLOEXEC));
  const std::string ones(bytes, '\xff');
  EXPECT_EQ(::write(fd.get(), ones.data(), ones.size()), static_cast<ssize_t>(bytes));
  return fd;
}

TEST(Recorder, AWorkerRunsOnWithoutOneWhenItsMasterIsOfAnotherVersion) {
  for (const std::size_t bytes : {100U, 1U << 20}) {
    const auto recorder = Recorder::attach(strange_recorder(bytes));
    ASSERT_TRUE(recorder) << recorder.error().text;
    EXPECT_EQ(recorder->fd(), -1);
    record_activity(recorder->page(), "as ever");
    EXPECT_FALSE(answers(recorder->black_box()));
  }
}

TEST(Recorder, ThatOfAWorkerOfAnotherVersionHasNoFiguresAndIsKept) {
  const auto ours = Recorder::create();
  const auto size = static_cast<std::size_t>(::lseek(ours->fd(), 0, SEEK_END));
  for (const std::size_t bytes : {std::size_t{100}, size, 2 * size}) {
    const Recorder recorder = Recorder::adopt(strange_recorder(bytes));
    EXPECT_GE(recorder.fd(), 0) << "for a later master that knows it";
    EXPECT_FALSE(read(recorder.page(), kNow));
    EXPECT_FALSE(read_pulse(recorder.page(), kNow));
    EXPECT_FALSE(answers(recorder.black_box()));
  }
}

TEST(Recorder, AnAttachedFdIsNotPassedOn) {
  const auto master = Recorder::create();
  const auto worker = Recorder::attach(UniqueFd(::dup(master->fd())));
  EXPECT_TRUE(::fcntl(worker->fd(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(RecorderTest, ARequestIsThereWhileItLives) {
  {
    RecordedRequest request(page_, "GET", "/slow", kNow - 3s);
    const RecorderReading during = reading();
    EXPECT_EQ(during.in_flight, 1u);
    ASSERT_EQ(during.oldest.size(), 1u);
    EXPECT_EQ(during.oldest[0].route, "GET /slow");
    EXPECT_EQ(during.oldest[0].age, 3s);
    request.answered(503, kNow);
  }
  const RecorderReading after = reading();
  EXPECT_EQ(after.in_flight, 0u);
  EXPECT_TRUE(after.oldest.empty());
  EXPECT_EQ(after.requests, 1u);
  EXPECT_EQ(after.errors, 1u);
}

TEST_F(RecorderTest, AMovedRequestIsCountedOnce) {
  RecordedRequest first(page_, "GET", "/", kNow);
  {
    const RecordedRequest second = std::move(first);
    EXPECT_EQ(reading().in_flight, 1u);
  }
  EXPECT_EQ(reading().in_flight, 0u);
}

TEST_F(RecorderTest, OnlyServerErrorsAreErrors) {
  RecordedRequest request(page_, "GET", "/", kNow);
  for (const int status : {200, 404, 499, 500, 599}) request.answered(status, kNow);
  EXPECT_EQ(reading().requests, 5u);
  EXPECT_EQ(reading().errors, 2u);
}

TEST_F(RecorderTest, TheOldestComesFirst) {
  const RecordedRequest young(page_, "GET", "/young", kNow - 1s);
  const RecordedRequest old(page_, "GET", "/old", kNow - 9s);
  const RecordedRequest middle(page_, "GET", "/middle", kNow - 5s);
  const auto oldest = reading().oldest;
  ASSERT_EQ(oldest.size(), 3u);
  EXPECT_EQ(oldest[0].route, "GET /old");
  EXPECT_EQ(oldest[2].route, "GET /young");
}

TEST_F(RecorderTest, TheQueryIsNotRecorded) {
  const RecordedRequest request(page_, "GET", "/login?token=secret", kNow);
  EXPECT_EQ(reading().oldest[0].route, "GET /login");
}

TEST_F(RecorderTest, ALongRouteIsCut) {
  const RecordedRequest request(page_, "GET", "/" + std::string(5000, 'x'), kNow);
  EXPECT_EQ(reading().oldest[0].route.size(), RecorderPage::kRouteBytes);
}

TEST_F(RecorderTest, RequestsBeyondTheEntriesAreStillCounted) {
  std::vector<RecordedRequest> requests;
  for (int i = 0; i < 100; ++i) requests.emplace_back(page_, "GET", "/", kNow);
  EXPECT_EQ(reading().in_flight, 100u);
  EXPECT_EQ(reading().oldest.size(), RecorderPage::kSlots);
  requests.clear();
  EXPECT_EQ(reading().in_flight, 0u);
  EXPECT_TRUE(reading().oldest.empty());
}

TEST_F(RecorderTest, AgesAreClamped) {
  page_.heartbeat_ns = to_nanoseconds(kNow) + 1;  // From the future.
  EXPECT_EQ(reading().since_heartbeat, 0s);
  page_.heartbeat_ns = ~std::uint64_t{0};
  EXPECT_EQ(reading().since_heartbeat, 0s);
  page_.heartbeat_ns = 1;
  EXPECT_EQ(reading(from_nanoseconds(0x7fff'ffff'ffff'ffff)).since_heartbeat, 24h * 365 * 10);
  page_.heartbeat_ns = 0;
  EXPECT_EQ(reading().since_heartbeat, std::nullopt);
  page_.loop_lag_us = ~std::uint64_t{0};
  EXPECT_EQ(reading().loop_lag, 24h * 365 * 10);
}

TEST_F(RecorderTest, AnImpossibleStateIsNone) {
  page_.state = static_cast<std::uint64_t>(WorkerState::Failed) + 1;
  EXPECT_EQ(reading().state, std::nullopt);
}

TEST_F(RecorderTest, TornTextIsMadePrintable) {
  record_activity(page_, "caf\xc3\xa9 \x1b[31m\xff");
  EXPECT_EQ(reading().activity, "café ?[31m?");
  record_activity(page_, std::string(63, 'x') + "é");  // The cut goes through a character.
  EXPECT_EQ(reading().activity, std::string(63, 'x') + "?");
}

TEST_F(RecorderTest, GarbageIsReadSafely) {
  std::mt19937_64 random(7);  // NOLINT(*-msc51-cpp): the same bytes each time.
  for (int round = 0; round < 1000; ++round) {
    for (auto* word = reinterpret_cast<std::atomic<std::uint64_t>*>(&page_);
         word != reinterpret_cast<std::atomic<std::uint64_t>*>(&page_ + 1); ++word) {
      word->store(random());
    }
    page_.magic = RecorderPage::kMagic;
    const RecorderReading garbage = reading();
    EXPECT_LE(garbage.oldest.size(), RecorderPage::kSlots);
    for (const char byte : describe(garbage)) ASSERT_FALSE(byte >= 0 && byte < ' ');
  }
}

TEST_F(RecorderTest, AStarvationIsCountedOnceAndGrowsUntilItIsOver) {
  record_starvation(page_, "GET /slow", 300ms);
  record_starvation(page_, 2100ms, false);
  EXPECT_EQ(reading().starvations, 1U);
  EXPECT_EQ(reading().starvation, 2100ms);
  EXPECT_EQ(reading().blamed, "GET /slow");
  EXPECT_TRUE(reading().loop_blocked);
  record_exhaustion(page_, "GET /report");
  record_starvation(page_, 2200ms, true);
  EXPECT_FALSE(reading().loop_blocked);
  EXPECT_TRUE(reading().pool_taken) << "the one is not the other";
  EXPECT_EQ(reading().occupant, "GET /report");
  record_exhaustion_over(page_);
  EXPECT_FALSE(reading().pool_taken);
  EXPECT_EQ(reading().exhaustions, 1U);
}

TEST(Troubles, OfAWorkerThatHasNoneAreNone) {
  EXPECT_TRUE(troubles({}, Tense::Present).empty());
  EXPECT_TRUE(troubles_now({}).empty());
}

TEST(Troubles, NameTheRouteAndTellWhatLastsFromWhatIsOver) {
  RecorderReading reading{.starvations = 1, .starvation = 2100ms, .blamed = "GET /slow"};
  EXPECT_EQ(troubles(reading, Tense::Present)[0],
            "its event loop was blocked once, by GET /slow for 2.1 s");
  EXPECT_TRUE(troubles_now(reading).empty());
  reading.starvations = 3;
  EXPECT_EQ(troubles(reading, Tense::Present)[0],
            "its event loop was blocked 3 times, the last time by GET /slow for 2.1 s");
  reading.loop_blocked = true;
  EXPECT_EQ(troubles_now(reading)[0],
            "GET /slow blocks its event loop now, for 2.1 s already (it was blocked 3 times in "
            "all)");
  EXPECT_EQ(troubles(reading, Tense::Past)[0],
            "GET /slow was blocking its event loop, for 2.1 s (it was blocked 3 times in all)");
}

TEST(Troubles, OfThreadsSayWhoHadThem) {
  RecorderReading reading{
      .exhaustions = 2, .pool_threads = 6, .pool_queued = 14, .occupant = "GET /report"};
  EXPECT_EQ(troubles(reading, Tense::Present)[0],
            "its 6 threads were all taken 2 times, the last time most of them by GET /report");
  reading.exhaustions = 1;
  reading.pool_taken = true;
  EXPECT_EQ(troubles_now(reading)[0],
            "its 6 threads are all taken now, most of them by GET /report, and 14 calls wait for "
            "one");
}

TEST(DescribeReading, NamesWhoBlocksTheLoop) {
  EXPECT_EQ(describe({.since_heartbeat = 30s,
                      .in_flight = 1,
                      .starvations = 1,
                      .starvation = 29'500ms,
                      .blamed = "GET /slow",
                      .loop_blocked = true,
                      .oldest = {{"GET /slow", 31'200ms}}}),
            "1 request in flight, GET /slow for 31 s; GET /slow blocks its event loop now, for "
            "29 s already");
}

TEST(DescribeReading, TellsWhatTheWorkerWasDoing) {
  EXPECT_EQ(describe({}), "no request in flight");
  EXPECT_EQ(describe({.in_flight = 1, .oldest = {{"GET /slow", 31'200ms}}}),
            "1 request in flight, GET /slow for 31 s");
  EXPECT_EQ(describe({.since_heartbeat = 30s,
                      .in_flight = 3,
                      .oldest = {{"GET /slow", 31'200ms}, {"GET /", 1s}}}),
            "3 requests in flight, the oldest GET /slow for 31 s; loop blocked for 30 s");
  EXPECT_EQ(describe({.since_heartbeat = 1s, .activity = "opening redis"}),
            "opening redis; no request in flight");
}

}  // namespace
}  // namespace reeve::ipc
