#pragma once
// Where a path really leads, for a file that root may write and rename: a symbolic link is followed
// only where nobody else can have put it, so that no other user turns the log into a file of the
// system. Holds the directory, so that what is renamed later is where it was found. Any thread;
// makes nothing.

#include <string>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

struct PlaceOfFile {
  ipc::UniqueFd directory;  ///< for the calls that end in at(2)
  std::string name;         ///< in it; no link when it was looked at, and perhaps not there
};

/// `path` is absolute. Follows a link if the link and every directory on the way to it belong to
/// root or to the user of this process, and not all users can write to these directories, unless
/// they are sticky, as /tmp is. The error names the link.
[[nodiscard]] ipc::Result<PlaceOfFile> find_place(const std::string& path);

}  // namespace reeve::supervisor
