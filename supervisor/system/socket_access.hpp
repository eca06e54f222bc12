#pragma once
// Who can write to a socket of the master in the file system: a worker of another user must reach
// the one at which it says that it is ready. Looks at files, which are local ones. Loop thread.

#include <string>

#include "supervisor/config/user.hpp"

namespace reeve::supervisor {

/// Whether a process of this user can write to the socket at `path`: every directory on the way has
/// to let it through. An abstract one ('@') can always be reached.
[[nodiscard]] bool can_reach(const User& who, const std::string& path);

/// Opens a socket of the master, and the directory that it lies in, to this user, so far as that is
/// needed. False: it still cannot reach it, for a directory further up.
[[nodiscard]] bool make_reachable(const User& who, const std::string& path);

}  // namespace reeve::supervisor
