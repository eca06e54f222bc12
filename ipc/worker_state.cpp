#include "ipc/worker_state.hpp"

#include <initializer_list>
#include <utility>

namespace reeve::ipc {
namespace {

template <class Enum>
std::optional<Enum> parse(std::string_view text, std::initializer_list<Enum> all) {
  for (const Enum value : all) {
    if (to_string(value) == text) return value;
  }
  return std::nullopt;
}

}  // namespace

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
  return parse(text, {Init, Starting, Ready, Running, Shutdown, Error, Failed});
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
  return parse(text, {DrainKind::Patient, DrainKind::Prompt});
}

}  // namespace reeve::ipc
