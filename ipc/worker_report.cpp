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

std::string_view to_string(JobResult result) {
  switch (result) {
    case JobResult::None:
      return "none";
    case JobResult::Ok:
      return "ok";
    case JobResult::Failed:
      return "failed";
    case JobResult::Cancelled:
      return "cancelled";
    case JobResult::Missed:
      return "missed";
  }
  std::unreachable();
}

std::optional<JobResult> parse_job_result(std::string_view text) {
  using enum JobResult;
  return parse_word(text, {None, Ok, Failed, Cancelled, Missed});
}

}  // namespace reeve::ipc
