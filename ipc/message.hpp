#pragma once
// The KEY=VALUE lines of sd_notify(3), and the typed messages that are written in them.
// The same form goes over NOTIFY_SOCKET (any program) and over the channel (native workers, more
// keys). Pure. Parsing accepts what a hostile worker may send: unknown keys are skipped, values are
// bounded.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/worker_report.hpp"
#include "ipc/worker_state.hpp"

namespace reeve::ipc {

inline constexpr std::size_t kMaxMessageBytes = 4096;

/// A run of something scheduled, named by when it is due: at most one worker of a pool may do it.
struct DueRun {
  std::string name;
  std::chrono::sys_time<std::chrono::milliseconds> due;

  bool operator==(const DueRun&) const = default;
  auto operator<=>(const DueRun&) const = default;
};

/// What a worker that has something of scope `one` scheduled says of the lease: that it would take
/// it, or that it has stopped every such run and gives it back.
enum class LeaseWish : std::uint8_t { Wanted, Released };
constexpr auto words_of(LeaseWish) {
  return std::to_array<std::string_view>({"wanted", "released"});
}

/// worker -> master. Over NOTIFY_SOCKET only the keys of sd_notify(3) are honoured by convention;
/// the parser reads them all.
struct WorkerMessage {
  bool ready = false;                                       ///< READY=1
  bool stopping = false;                                    ///< STOPPING=1
  bool reloading = false;                                   ///< RELOADING=1
  bool watchdog = false;                                    ///< WATCHDOG=1
  std::optional<std::string> status;                        ///< STATUS=
  std::optional<std::chrono::microseconds> extend_timeout;  ///< EXTEND_TIMEOUT_USEC=
  std::optional<WorkerState> state;                         ///< STATE=
  std::optional<std::string> step;           ///< STEP=, the lifespan step that begins
  std::optional<std::string> reason;         ///< REASON=, why the worker fails or stops
  std::optional<std::string> cost;           ///< COST=, what its end has cost so far; channel only
  std::optional<ResourceReport> resource;    ///< RESOURCE= and RESOURCE_...=; channel only
  std::optional<ScheduledReport> scheduled;  ///< SCHEDULED= and SCHEDULED_...=; channel only
  std::optional<LeaseWish> lease;            ///< LEASE=wanted|released; channel only
  std::optional<DueRun> claim;  ///< CLAIM=; the holder of the lease asks to do this run

  bool operator==(const WorkerMessage&) const = default;
};

[[nodiscard]] std::string format(const WorkerMessage& message);
[[nodiscard]] WorkerMessage parse_worker_message(std::string_view text);

/// The right to run what is scheduled with scope `one`: one worker of a pool holds it at a time.
struct Lease {
  /// Greater than that of every holder before it, for whatever a run writes to.
  std::uint64_t fence = 0;
  /// No worker does runs that were due earlier: the pool had scheduled nothing yet.
  std::chrono::sys_time<std::chrono::milliseconds> since;

  bool operator==(const Lease&) const = default;
};

/// The answer to a claim. A granted run is this worker's: no other gets it, even if it dies.
struct ClaimAnswer {
  DueRun run;
  bool granted = false;

  bool operator==(const ClaimAnswer&) const = default;
};

/// master -> worker.
struct MasterMessage {
  std::optional<DrainKind> drain;    ///< DRAIN=patient|prompt; a later one may only make it prompt.
  bool not_ready = false;            ///< NOT_READY=1; a drain follows: readiness says 503 meanwhile
  std::optional<Lease> lease;        ///< LEADER=; until the worker releases it, or dies
  std::optional<ClaimAnswer> claim;  ///< GRANTED= or DENIED=

  bool operator==(const MasterMessage&) const = default;
};

[[nodiscard]] std::string format(const MasterMessage& message);
[[nodiscard]] MasterMessage parse_master_message(std::string_view text);

}  // namespace reeve::ipc
