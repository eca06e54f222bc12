#pragma once
// How this process was started, kept so that it can be started anew: later /proc/self/exe names a
// file that an installation has replaced.

#include <string>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

struct OwnBinary {
  std::string binary;                  ///< absolute; where a new version is expected
  std::vector<std::string> arguments;  ///< argv
};

/// Call first thing in main. The path is that of argv[0], so that a symbolic link is followed again
/// at the time of the upgrade; unless that leads to another file than the one that runs.
[[nodiscard]] OwnBinary started_as(int argc, const char* const* argv);

/// The file that is at `path` now, to be tried and executed. CLOEXEC.
[[nodiscard]] ipc::Result<ipc::UniqueFd> open_binary(const std::string& path);

/// Becomes the program, with the environment of this one and `variable` ("NAME=value"). Keeps pid,
/// pending signals and every descriptor without CLOEXEC. Returns only the error.
[[nodiscard]] ipc::Error become(int binary, const std::vector<std::string>& arguments,
                                std::string variable);

}  // namespace reeve::supervisor
