#pragma once
// The identity of this worker, for handlers and resources: `request.state<reeve::WorkerInfo>()`.
// Set by the runtime.

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace reeve {

/// The identity of this worker. Never changes; any thread.
struct WorkerInfo {
  pid_t pid = 0;                 ///< of the worker itself
  std::string slot;              ///< "web:0"; empty when it runs alone
  std::uint64_t generation = 0;  ///< counts up with every deploy; 0 when it runs alone
};

}  // namespace reeve
