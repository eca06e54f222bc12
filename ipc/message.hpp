#pragma once
// The KEY=VALUE lines of sd_notify(3), and the typed messages that are written in them.
// The same form goes over NOTIFY_SOCKET (any program) and over the channel (native workers, more
// keys). Pure. Parsing accepts what a hostile worker may send: unknown keys are skipped, values are
// bounded.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/worker_state.hpp"

namespace reeve::ipc {

inline constexpr std::size_t kMaxMessageBytes = 4096;

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
  std::optional<std::string> step;    ///< STEP=, the lifespan step that begins
  std::optional<std::string> reason;  ///< REASON=, why the worker fails or stops

  bool operator==(const WorkerMessage&) const = default;
};

[[nodiscard]] std::string format(const WorkerMessage& message);
[[nodiscard]] WorkerMessage parse_worker_message(std::string_view text);

/// master -> worker.
struct MasterMessage {
  std::optional<DrainKind> drain;  ///< DRAIN=patient|prompt; a later one may only make it prompt.

  bool operator==(const MasterMessage&) const = default;
};

[[nodiscard]] std::string format(const MasterMessage& message);
[[nodiscard]] MasterMessage parse_master_message(std::string_view text);

}  // namespace reeve::ipc
