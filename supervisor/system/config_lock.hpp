#pragma once
// The configuration file, locked for as long as a master runs by it: the lock in the runtime
// directory goes with that, when somebody removes it. Two masters may share a file, each with a
// runtime directory of its own (instances of one unit): only who wants the same directory is kept
// out. Loop thread.

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

class ConfigLock {
 public:
  /// `path` is empty when there is no file: then there is nothing to lock.
  ConfigLock(std::string path, std::string runtime_dir)
      : path_(std::move(path)), runtime_dir_(std::move(runtime_dir)) {}

  /// Locks the file that is there now; one that was put in its place since the last call is
  /// another. Returns the master that has locked it and runs in the same runtime directory; none:
  /// there is no such, whether the file could be locked or not.
  [[nodiscard]] std::optional<pid_t> take();

 private:
  std::string path_;
  std::string runtime_dir_;
  ipc::UniqueFd lock_;
};

}  // namespace reeve::supervisor
