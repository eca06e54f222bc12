#include "worker/lifespan/resource_report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace reeve::worker {
namespace {

using ipc::ResourceReport;
using ipc::ResourceState;

/// A part of the 4 KiB that a message may have.
constexpr std::size_t kMostDetail = 512;

ResourceReport make(const About& about, ResourceState state, ipc::Duration took = {},
                    std::string detail = {}) {
  if (detail.size() > kMostDetail) detail.resize(kMostDetail);
  return {.name = about.name,
          .state = state,
          .phase = std::string(to_string(about.phase)),
          .required = about.need == Need::Required,
          .took = std::chrono::duration_cast<std::chrono::microseconds>(took),
          .detail = std::move(detail)};
}

struct Reporter {
  using Report = std::optional<ResourceReport>;

  Report operator()(const PhaseBegan&) const { return {}; }
  Report operator()(const PhaseEnded&) const { return {}; }
  Report operator()(const StillOpening&) const { return {}; }
  Report operator()(const StillClosing&) const { return {}; }
  /// Between two attempts, and in one, it is down.
  Report operator()(const Opening& event) const {
    if (event.attempt > 1) return {};
    return make(event.about, ResourceState::Opening);
  }
  Report operator()(const Opened& event) const {
    return make(event.about, ResourceState::Open, event.took, event.about.note);
  }
  Report operator()(const OpenFailed& event) const {
    if (event.retry_in == ipc::Duration()) {
      return make(event.about, ResourceState::Failed, {}, event.reason);
    }
    std::string detail = fmt::format("{} (attempt {})", event.reason, event.attempt);
    return make(event.about, ResourceState::Down, event.down, std::move(detail));
  }
  Report operator()(const Noted& event) const {
    return make(event.about, ResourceState::Open, {}, event.about.note);
  }
  Report operator()(const Checked& event) const {
    ResourceReport report =
        make(event.about, event.passed ? ResourceState::Open : ResourceState::Down, event.latency,
             event.passed ? event.about.note : "check: " + event.reason);
    if (!event.of_resource) report.phase = "check";
    return report;
  }
  Report operator()(const Closing& event) const {
    return make(event.about, ResourceState::Closing);
  }
  Report operator()(const Closed& event) const {
    return make(event.about, ResourceState::Closed, event.took);
  }
  Report operator()(const CloseFailed& event) const {
    return make(event.about, ResourceState::Failed, event.took, "not closed: " + event.reason);
  }
};

}  // namespace

std::optional<ResourceReport> report_of(const LifespanEvent& event) {
  return std::visit(Reporter{}, event);
}

}  // namespace reeve::worker
