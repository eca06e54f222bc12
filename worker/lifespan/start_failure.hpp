#pragma once
// The reason for which a worker cannot start, in words and as the code that it exits with.

#include <string>

#include "ipc/worker_exit.hpp"

namespace reeve::worker {

struct StartFailure {
  ipc::WorkerExit code = ipc::WorkerExit::ResourceFailed;
  std::string reason;
};

}  // namespace reeve::worker
