#pragma once
// Which users can write to a socket of the master in the file system: a worker of another user must
// reach the one at which it says that it is ready. Looks at files, which are local ones. Loop
// thread.

#include <string>

#include "supervisor/config/config.hpp"

namespace reeve::supervisor {

/// Whether a process of this user can write to the socket at `path`: every directory on the way has
/// to let it through. An abstract one ('@') can always be reached.
[[nodiscard]] bool can_reach(const User& who, const std::string& path);

struct Access {
  bool reaches = false;  ///< false: a directory further up is closed, and not ours
  /// What others may do now and could not before: "/run/reeve had mode 0750 and has 0751"; empty:
  /// nothing.
  std::string opened;
};
/// Opens a socket of the master to this user, and lets it pass, but not look, into the directory
/// that holds it: by one bit of its mode, and only where that is needed.
[[nodiscard]] Access make_reachable(const User& who, const std::string& path);

}  // namespace reeve::supervisor
