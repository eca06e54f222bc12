#include "ipc/worker_report.hpp"

#include <utility>

namespace reeve::ipc {

std::string_view to_string(ResourceState state) {
  switch (state) {
    case ResourceState::Opening:
      return "opening";
    case ResourceState::Open:
      return "open";
    case ResourceState::Down:
      return "down";
    case ResourceState::Failed:
      return "failed";
    case ResourceState::Closing:
      return "closing";
    case ResourceState::Closed:
      return "closed";
  }
  std::unreachable();
}

std::string_view to_string(RunResult result) {
  switch (result) {
    case RunResult::None:
      return "none";
    case RunResult::Ok:
      return "ok";
    case RunResult::Failed:
      return "failed";
    case RunResult::Cancelled:
      return "cancelled";
    case RunResult::Missed:
      return "missed";
  }
  std::unreachable();
}

std::string_view to_string(ScheduleScope scope) {
  return scope == ScheduleScope::One ? "one" : "each";
}

}  // namespace reeve::ipc
