#pragma once
// The LISTEN_FDS protocol of sd_listen_fds(3): descriptors from 3 up, named by LISTEN_FDNAMES.
// Master: adopts what systemd passed. Worker: adopts what the master passed.

#include <functional>
#include <string>
#include <vector>

#include "ipc/base/unique_fd.hpp"

namespace reeve::ipc {

inline constexpr int kFirstListenFd = 3;

struct NamedFd {
  std::string name;
  UniqueFd fd;
};

/// Takes the descriptors meant for this process (LISTEN_PID matches), makes them CLOEXEC, and
/// removes the variables so that no child can mistake them for its own. Empty when there are none.
/// A closed descriptor is left out, and `warn` is told of it. Call once, early in main, before any
/// thread.
[[nodiscard]] std::vector<NamedFd> adopt_listen_fds(
    const std::function<void(const std::string& text)>& warn);

}  // namespace reeve::ipc
