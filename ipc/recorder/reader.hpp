#pragma once
// The master's side of the recorder: copies what a worker wrote, with every field range-checked and
// every string made printable, and says it in words. For showing and timing only: nothing in it is
// trusted. Plain values without descriptors, so that the core may use them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/recorder/latencies.hpp"
#include "ipc/worker_state.hpp"

namespace reeve::ipc {

struct RecorderPage;

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
  std::uint64_t tasks_running = 0;
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
