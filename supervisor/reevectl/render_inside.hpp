#pragma once
// The tables of `status --lifespan` and `status --schedule`. Pure but for the local time zone, in
// which times are shown.

#include <string>

#include "ipc/control/protocol.hpp"

namespace reeve::supervisor::ctl {

/// Each worker, and below it its resources; nested ones stand below what holds them.
[[nodiscard]] std::string lifespan_tables(const ipc::control::Reply& reply);

/// A line for each scheduled job: of scope `each` one per worker, of scope `one` that of the worker
/// that runs it.
[[nodiscard]] std::string schedule_table(const ipc::control::Reply& reply);

}  // namespace reeve::supervisor::ctl
