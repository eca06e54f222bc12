#pragma once
// What a worker says of itself. The slot's words (RUNNING, BACKOFF ...) belong to the master alone.

#include <cstdint>
#include <string_view>

namespace reeve::ipc {

///   Init -> Starting -> Ready -> Running -> Shutdown
///   Error: a resource is down and being retried. Failed: fatal, the worker will exit.
enum class WorkerState : std::uint8_t { Init, Starting, Ready, Running, Shutdown, Error, Failed };

[[nodiscard]] std::string_view to_string(WorkerState state);
constexpr WorkerState last_of(WorkerState) { return WorkerState::Failed; }

/// Patient: a successor is serving, idle keep-alive connections may wait for their next request.
/// Prompt: the pool stops, idle connections close at once.
enum class DrainKind : std::uint8_t { Patient, Prompt };

[[nodiscard]] std::string_view to_string(DrainKind kind);
constexpr DrainKind last_of(DrainKind) { return DrainKind::Prompt; }

}  // namespace reeve::ipc
