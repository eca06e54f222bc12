#pragma once
// Makes the report for the master of an event of the lifespan. Pure.

#include <optional>

#include "ipc/worker_report.hpp"
#include "worker/lifespan/events.hpp"

namespace reeve::worker {

/// Nothing where an event changes nothing that is shown of a resource.
[[nodiscard]] std::optional<ipc::ResourceReport> report_of(const LifespanEvent& event);

}  // namespace reeve::worker
