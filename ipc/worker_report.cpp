#include "ipc/worker_report.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace reeve::ipc {
namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<ResourceState, 6> kResourceStates{{{ResourceState::Opening, "opening"},
                                                   {ResourceState::Open, "open"},
                                                   {ResourceState::Down, "down"},
                                                   {ResourceState::Failed, "failed"},
                                                   {ResourceState::Closing, "closing"},
                                                   {ResourceState::Closed, "closed"}}};
constexpr Names<JobResult, 5> kJobResults{{{JobResult::None, "none"},
                                           {JobResult::Ok, "ok"},
                                           {JobResult::Failed, "failed"},
                                           {JobResult::Cancelled, "cancelled"},
                                           {JobResult::Missed, "missed"}}};

template <class Enum, std::size_t N>
std::string_view name_of(const Names<Enum, N>& names, Enum value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "?";
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const Names<Enum, N>& names, std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(ResourceState state) { return name_of(kResourceStates, state); }
std::optional<ResourceState> parse_resource_state(std::string_view text) {
  return value_of(kResourceStates, text);
}

std::string_view to_string(JobResult result) { return name_of(kJobResults, result); }
std::optional<JobResult> parse_job_result(std::string_view text) {
  return value_of(kJobResults, text);
}

}  // namespace reeve::ipc
