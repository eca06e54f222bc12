#pragma once
// An event of the lifespan as what the master is told of that resource. Pure.

#include <optional>

#include "ipc/worker_report.hpp"
#include "worker/lifespan/events.hpp"

namespace reeve::worker {

/// Nothing where an event changes nothing that is shown of a resource.
[[nodiscard]] std::optional<ipc::ResourceReport> report_of(const LifespanEvent& event);

}  // namespace reeve::worker
