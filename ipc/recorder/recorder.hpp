#pragma once
// The flight recorder: a page of shared memory, and a black box behind it, that a native worker
// writes (writer.hpp) and the master reads (reader.hpp), also after the worker's death. Fixed-size
// plain data; here are its layout and its memory. The memfd is sealed against shrinking and
// growing, so no worker can make the master fault (SIGBUS).

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/recorder/black_box.hpp"
#include "ipc/recorder/latencies.hpp"

namespace reeve::ipc {

/// The page itself. Every field is atomic and relaxed: a torn reading is harmless, a data race is
/// not.
struct RecorderPage {
  static constexpr std::uint64_t kMagic = 0x32'45'56'45'45'52;  // "REEVE2"
  static constexpr std::size_t kRouteBytes = 88;
  static constexpr std::size_t kSlots = 36;
  static constexpr std::size_t kLatencyBuckets = Latencies::kBuckets;

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
  Field<std::uint64_t> pool_queued;    ///< calls that wait for a thread
  Field<std::uint64_t> pool_wait_us;   ///< how long the last call that began has waited
  Field<std::uint64_t> tasks_running;  ///< scheduled, and in the background
  std::array<Field<std::uint64_t>, kRouteBytes / 8> blamed;    ///< for a starvation: "GET /slow"
  std::array<Field<std::uint64_t>, kRouteBytes / 8> occupant;  ///< has most threads: "GET /slow"
  Field<std::uint64_t> trouble;  ///< what of it lasts now: kLoopBlocked, kPoolTaken
  /// Answered requests by how long they took: see Latencies.
  std::array<Field<std::uint64_t>, kLatencyBuckets> latencies;
  std::array<Entry, kSlots> entries;
};
static_assert(sizeof(RecorderPage) <= 4096);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// A mapped recorder, in either process.
class Recorder {
 public:
  /// Master: a new sealed memfd and its mapping. The fd is CLOEXEC.
  [[nodiscard]] static Result<Recorder> create();
  /// Master: maps again what it was handed by the master before it. One of another version's size
  /// is kept, for the next master, and reads as one that its worker never wrote.
  [[nodiscard]] static Recorder adopt(UniqueFd fd);
  /// Worker: maps the inherited fd and writes the magic. When it is of another version's size, as
  /// from an older or newer master, the recorder is detached: the worker runs on without figures.
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

}  // namespace reeve::ipc
