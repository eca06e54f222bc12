#pragma once
// How a thread has spent its time, as the kernel tells it: enough to tell a computation from a wait
// and from a machine that is too busy. Any thread.

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "ipc/base/clock.hpp"

namespace reeve::worker {

struct ThreadTimes {
  ipc::Duration on_cpu{};       ///< in all
  ipc::Duration without_cpu{};  ///< wanted one, and got none

  bool operator==(const ThreadTimes&) const = default;
};

/// The times of a thread of this process; nothing where the kernel does not tell.
[[nodiscard]] std::optional<ThreadTimes> read_thread_times(pid_t tid);
/// The times in the text of /proc/PID/task/TID/schedstat: "12345 678 9".
[[nodiscard]] std::optional<ThreadTimes> parse_thread_times(std::string_view text);

}  // namespace reeve::worker
