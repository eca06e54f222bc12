#pragma once
// The flight recorder: a page of shared memory, and a black box behind it, that a native worker
// writes and the master reads, also after the worker's death. Fixed-size plain data. The master
// trusts nothing in it: `read` copies with every field range-checked and every string made
// printable, for showing and timing only. The memfd is sealed against shrinking and growing, so no
// worker can make the master fault (SIGBUS).

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/recorder/black_box.hpp"
#include "ipc/worker_state.hpp"

namespace reeve::ipc {

/// The page itself. Every field is atomic and relaxed: a torn reading is harmless, a data race is
/// not.
struct RecorderPage {
  static constexpr std::uint64_t kMagic = 0x32'45'56'45'45'52;  // "REEVE2"
  static constexpr std::size_t kRouteBytes = 88;
  static constexpr std::size_t kSlots = 36;
  static constexpr std::size_t kLatencyBuckets = 32;

  static constexpr std::uint64_t kLoopBlocked = 1;
  static constexpr std::uint64_t kPoolTaken = 2;

  template <class T>
  using Field = std::atomic<T>;

  /// One request in flight. `started_ns` 0 means free; `route` is "GET /path", without query.
  struct Entry {
    Field<std::uint64_t> started_ns;
    std::array<Field<std::uint64_t>, kRouteBytes / 8> route;
  };

  Field<std::uint64_t> magic;
  Field<std::uint64_t> heartbeat_ns;             ///< when the loop last turned
  Field<std::uint64_t> loop_lag_us;              ///< how late its last heartbeat was
  Field<std::uint64_t> state;                    ///< WorkerState
  Field<std::uint64_t> requests;                 ///< answered, in all
  Field<std::uint64_t> errors;                   ///< of them, 5xx
  Field<std::uint64_t> in_flight;                ///< now, also those without an entry
  Field<std::uint64_t> connections;              ///< open now
  std::array<Field<std::uint64_t>, 8> activity;  ///< what it is doing: "opening redis"
  // The two classic failures of an async server, and what was to blame for them the last time.
  Field<std::uint64_t> starvations;    ///< times a coroutine has blocked the loop for too long
  Field<std::uint64_t> starvation_us;  ///< how long the last time; grows while it blocks
  Field<std::uint64_t> exhaustions;    ///< times the threads were all taken while work waited
  Field<std::uint64_t> pool_threads;   ///< of the thread pool: as many as may run
  Field<std::uint64_t> pool_busy;      ///< of them, those that run something
  Field<std::uint64_t> pool_queued;    ///< jobs that wait for a thread
  Field<std::uint64_t> pool_wait_us;   ///< how long the last job that began has waited
  Field<std::uint64_t> jobs_running;   ///< of the scheduler, and in the background
  std::array<Field<std::uint64_t>, kRouteBytes / 8> blamed;    ///< for a starvation: "GET /slow"
  std::array<Field<std::uint64_t>, kRouteBytes / 8> occupant;  ///< has most threads: "GET /slow"
  Field<std::uint64_t> trouble;  ///< what of it lasts now: kLoopBlocked, kPoolTaken
  /// Answered requests by how long they took: see Latencies.
  std::array<Field<std::uint64_t>, kLatencyBuckets> latencies;
  std::array<Entry, kSlots> entries;
};
static_assert(sizeof(RecorderPage) <= 4096);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// How many requests took how long, in steps of the square root of two from a quarter of a
/// millisecond to 8 s: a quantile is right to within 41 %. Plain counts, so that two readings can
/// be subtracted, and those of several workers added.
struct Latencies {
  std::array<std::uint64_t, RecorderPage::kLatencyBuckets> counts{};

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

/// A mapped recorder, in either process.
class Recorder {
 public:
  /// Master: a new sealed memfd and its mapping. The fd is CLOEXEC.
  [[nodiscard]] static Result<Recorder> create();
  /// Master: maps again what it was handed by the master before it (check() has passed).
  [[nodiscard]] static Result<Recorder> adopt(UniqueFd fd);
  /// Whether the fd is a recorder of this version's layout.
  [[nodiscard]] static Result<> check(int fd);
  /// Worker: maps the inherited fd and writes the magic. Refuses one of the wrong size.
  [[nodiscard]] static Result<Recorder> attach(UniqueFd fd);
  /// Worker without a master: private memory, so that the code above needs no special case.
  [[nodiscard]] static Recorder detached();

  [[nodiscard]] RecorderPage& page() const { return *page_; }
  [[nodiscard]] BlackBox& black_box() const;
  [[nodiscard]] int fd() const { return fd_.get(); }  ///< -1 when detached

 private:
  struct Unmap {
    void operator()(RecorderPage* page) const;
  };
  Recorder(UniqueFd fd, RecorderPage* page) : fd_(std::move(fd)), page_(page) {}

  UniqueFd fd_;
  std::unique_ptr<RecorderPage, Unmap> page_;
};

/// Writes one request into the page for as long as it lives. Worker, loop thread.
/// When all entries are taken, only `in_flight` counts it.
class RecordedRequest {
 public:
  RecordedRequest(RecorderPage& page, std::string_view method, std::string_view target,
                  TimePoint now);
  RecordedRequest(RecordedRequest&& other) noexcept;
  RecordedRequest& operator=(RecordedRequest&&) = delete;
  RecordedRequest(const RecordedRequest&) = delete;
  RecordedRequest& operator=(const RecordedRequest&) = delete;
  ~RecordedRequest();
  /// Marks it as answered: counts it, how long it took, and as an error when the status is 5xx.
  void answered(int status, TimePoint now);

 private:
  RecorderPage* page_;
  RecorderPage::Entry* entry_ = nullptr;
  TimePoint started_;
};

/// Sets `activity`; cut at 64 bytes. Worker, loop thread.
void record_activity(RecorderPage& page, std::string_view text);

/// The event loop is blocked by `route`: once at the beginning of each time, with how long already.
/// Any one thread at a time, as for the following.
void record_starvation(RecorderPage& page, std::string_view route, Duration so_far);
/// How long it lasts by now, and whether it is over.
void record_starvation(RecorderPage& page, Duration so_far, bool over);
/// All threads of the pool are taken, most of them by `route`: once at the beginning of each time.
void record_exhaustion(RecorderPage& page, std::string_view route);
void record_exhaustion_over(RecorderPage& page);

/// What the master copied out of a recorder.
struct RecorderReading {
  struct InFlight {
    std::string route;
    Duration age;
  };
  std::optional<Duration> since_heartbeat;  ///< none before the first
  Duration loop_lag{};
  std::optional<WorkerState> state;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t connections = 0;
  Latencies latencies;
  std::uint64_t starvations = 0;
  Duration starvation{};
  std::uint64_t exhaustions = 0;
  std::uint64_t pool_threads = 0;
  std::uint64_t pool_busy = 0;
  std::uint64_t pool_queued = 0;
  Duration pool_wait{};
  std::uint64_t jobs_running = 0;
  std::string blamed;         ///< the route of the last starvation
  std::string occupant;       ///< the route that had most threads at the last exhaustion
  bool loop_blocked = false;  ///< a starvation is going on, or was when it died
  bool pool_taken = false;    ///< an exhaustion is
  std::string activity;
  std::vector<InFlight> oldest;  ///< the requests with an entry, oldest first
};

/// Copies the page. Nothing when the worker never wrote its magic (a foreign program).
[[nodiscard]] std::optional<RecorderReading> read(const RecorderPage& page, TimePoint now);

/// What a measurement looks at, many workers at a time: no text is copied.
struct Pulse {
  std::optional<TimePoint> heartbeat;  ///< the newest; never later than `now`
  std::uint64_t requests = 0;
};
/// Nothing when the worker never wrote its magic (a foreign program).
[[nodiscard]] std::optional<Pulse> read_pulse(const RecorderPage& page, TimePoint now);

enum class Tense : std::uint8_t { Present, Past };
/// A sentence each of the two classic failures that the worker has had: "its event loop was blocked
/// 3 times, the last time by GET /slow for 2.1 s". Empty for most workers.
[[nodiscard]] std::vector<std::string> troubles(const RecorderReading& reading, Tense tense);

/// The failures that last: "GET /slow blocks its event loop now, for 2.1 s already".
[[nodiscard]] std::vector<std::string> troubles_now(const RecorderReading& reading);

/// One line for a log: "3 requests in flight, the oldest GET /slow for 31.2 s; loop blocked for 30
/// s".
[[nodiscard]] std::string describe(const RecorderReading& reading);

}  // namespace reeve::ipc
