#include "ipc/worker_report.hpp"

#include <utility>

#include "ipc/base/enum_word.hpp"

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

std::optional<ResourceState> parse_resource_state(std::string_view text) {
  using enum ResourceState;
  return parse_word(text, {Opening, Open, Down, Failed, Closing, Closed});
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

std::optional<RunResult> parse_run_result(std::string_view text) {
  using enum RunResult;
  return parse_word(text, {None, Ok, Failed, Cancelled, Missed});
}

}  // namespace reeve::ipc
