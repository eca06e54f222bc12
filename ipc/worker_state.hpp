#pragma once
// What a worker says of itself. The slot's words (RUNNING, BACKOFF ...) belong to the master alone.

#include <cstdint>
#include <optional>
#include <string_view>

namespace reeve::ipc {

///   Init -> Starting -> Ready -> Running -> Shutdown
///   Error: a resource is down and being retried. Failed: fatal, the worker will exit.
enum class WorkerState : std::uint8_t { Init, Starting, Ready, Running, Shutdown, Error, Failed };

[[nodiscard]] std::string_view to_string(WorkerState state);
[[nodiscard]] std::optional<WorkerState> parse_worker_state(std::string_view text);

/// Patient: a successor is serving, idle keep-alive connections may wait for their next request.
/// Prompt: the pool stops, idle connections close at once.
enum class DrainKind : std::uint8_t { Patient, Prompt };

[[nodiscard]] std::string_view to_string(DrainKind kind);
[[nodiscard]] std::optional<DrainKind> parse_drain_kind(std::string_view text);

}  // namespace reeve::ipc
