#pragma once
// Descriptors 0 to 2, which a process may be started without: the next file that it opens would get
// their numbers, and what is printed would go there. Any process, before anything else.

#include <fcntl.h>

#include <cerrno>

namespace reeve::ipc {

/// Opens those that are closed on /dev/null.
inline void open_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    // The lowest free number is this one. Without /dev/null there is nothing to be done.
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", O_RDWR) != fd) return;
  }
}

}  // namespace reeve::ipc
