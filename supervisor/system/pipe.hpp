#pragma once
// A pipe that the master reads without ever waiting for it. Any thread.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

/// A CLOEXEC pipe whose reading end is non-blocking.
struct Pipe {
  ipc::UniqueFd read_end;
  ipc::UniqueFd write_end;

  [[nodiscard]] static ipc::Result<Pipe> open() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return ipc::system_error("open", "a pipe", errno);
    Pipe pipe{ipc::UniqueFd(fds[0]), ipc::UniqueFd(fds[1])};
    // Only this end: the worker's must block, it does not expect EAGAIN from its stdout.
    if (::fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK) != 0) {
      return ipc::system_error("set up", "a pipe", errno);
    }
    return pipe;
  }
};

}  // namespace reeve::supervisor
