#pragma once
// Durations and exceptions as words for a log line.

#include <exception>
#include <string>

#include "ipc/base/duration.hpp"

namespace reeve::worker {

/// "0.4 ms", "12 ms", "3.2 s".
[[nodiscard]] inline std::string describe(ipc::Duration duration) {
  return ipc::short_duration(duration);
}

/// What an exception says of itself.
[[nodiscard]] std::string describe(const std::exception_ptr& error);

}  // namespace reeve::worker
