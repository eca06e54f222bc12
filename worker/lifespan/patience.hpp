#pragma once
// How long the worker waits before it reports what it waits for. A test is less patient.

#include <chrono>

#include "ipc/base/clock.hpp"

namespace reeve::worker {

struct Patience {
  /// A resource that takes longer to open or to close is named, and again after each `name_again`.
  ipc::Duration name_after = std::chrono::seconds(2);
  ipc::Duration name_again = std::chrono::seconds(5);
  /// How often a drain that lasts says what it waits for.
  ipc::Duration drain_report = std::chrono::seconds(5);
};

}  // namespace reeve::worker
