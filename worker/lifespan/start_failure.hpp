#pragma once
// The reason for which a worker cannot start, in words and as the code that it exits with.

#include <exception>
#include <string>

#include "ipc/worker_exit.hpp"

namespace reeve::worker {

struct StartFailure {
  ipc::WorkerExit code = ipc::WorkerExit::ResourceFailed;
  std::string reason;
};

/// The failure of a start in which opening a resource threw this. A ConfigError is the operator's
/// mistake; any other exception is the resource's.
[[nodiscard]] StartFailure failure_of_open(const std::exception_ptr& error);

}  // namespace reeve::worker
