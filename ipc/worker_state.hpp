#pragma once
// What a worker says of itself. The slot's words (RUNNING, BACKOFF ...) belong to the master alone.

#include <cstdint>
#include <string_view>

#include "ipc/base/enum_word.hpp"

namespace reeve::ipc {

///   Init -> Starting -> Ready -> Running -> Shutdown
///   Error: a resource is down and being retried. Failed: fatal, the worker will exit.
enum class WorkerState : std::uint8_t { Init, Starting, Ready, Running, Shutdown, Error, Failed };
constexpr auto words_of(WorkerState) {
  return std::to_array<std::string_view>(
      {"Init", "Starting", "Ready", "Running", "Shutdown", "Error", "Failed"});
}

/// Patient: a successor is serving, idle keep-alive connections may wait for their next request.
/// Prompt: the pool stops, idle connections close at once.
enum class DrainKind : std::uint8_t { Patient, Prompt };
constexpr auto words_of(DrainKind) {
  return std::to_array<std::string_view>({"patient", "prompt"});
}

}  // namespace reeve::ipc
