#include "ipc/worker_state.hpp"

#include <utility>

#include "ipc/base/enum_word.hpp"

namespace reeve::ipc {

std::string_view to_string(WorkerState state) {
  switch (state) {
    case WorkerState::Init:
      return "Init";
    case WorkerState::Starting:
      return "Starting";
    case WorkerState::Ready:
      return "Ready";
    case WorkerState::Running:
      return "Running";
    case WorkerState::Shutdown:
      return "Shutdown";
    case WorkerState::Error:
      return "Error";
    case WorkerState::Failed:
      return "Failed";
  }
  std::unreachable();
}

std::optional<WorkerState> parse_worker_state(std::string_view text) {
  using enum WorkerState;
  return parse_word(text, {Init, Starting, Ready, Running, Shutdown, Error, Failed});
}

std::string_view to_string(DrainKind kind) {
  switch (kind) {
    case DrainKind::Patient:
      return "patient";
    case DrainKind::Prompt:
      return "prompt";
  }
  std::unreachable();
}

std::optional<DrainKind> parse_drain_kind(std::string_view text) {
  return parse_word(text, {DrainKind::Patient, DrainKind::Prompt});
}

}  // namespace reeve::ipc
