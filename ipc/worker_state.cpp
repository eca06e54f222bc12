// The words of states and drains.

#include "ipc/worker_state.hpp"

#include <utility>

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

std::string_view to_string(DrainKind kind) {
  switch (kind) {
    case DrainKind::Patient:
      return "patient";
    case DrainKind::Prompt:
      return "prompt";
  }
  std::unreachable();
}

}  // namespace reeve::ipc
