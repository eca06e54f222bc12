#pragma once
// The runtime directory: one master holds it at a time. Makes and reads local files.

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

[[nodiscard]] std::string lock_path(const std::string& directory);
/// For who is kept out by it.
[[nodiscard]] std::string held_by_another(std::string_view pid, const std::string& directory);

class RuntimeDir {
 public:
  struct Refusal {
    bool held_by_another = false;
    std::string text;
  };

  /// Makes the directory if need be, locks it, and writes reeve.pid. The kernel drops the lock with
  /// the process, however that ends.
  [[nodiscard]] static std::expected<RuntimeDir, Refusal> hold(const std::string& path);

  /// Goes on with the lock that another master has taken. Its pid file is right: so is the pid.
  [[nodiscard]] static RuntimeDir adopt(std::string path, ipc::UniqueFd lock);

  RuntimeDir(RuntimeDir&& other) noexcept = default;
  RuntimeDir& operator=(RuntimeDir&& other) = delete;
  /// Removes reeve.pid, unless it is another master's. The lock file stays: removing it would let
  /// two masters lock two files.
  ~RuntimeDir();

  /// The master that held it before and did not end as it should, by the pid that it has left.
  [[nodiscard]] std::optional<pid_t> dead_master() const { return dead_master_; }

  /// Whether the lock and the pid file are where they were made. Somebody may have removed them, or
  /// the directory.
  [[nodiscard]] bool in_place() const;
  /// Makes anew what is missing, under the number of the old lock's descriptor. The error names the
  /// remedy, or the master that has taken the directory meanwhile.
  [[nodiscard]] std::expected<void, Refusal> restore();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int lock_fd() const { return lock_.get(); }
  [[nodiscard]] std::string control_socket() const { return path_ + "/control.sock"; }
  [[nodiscard]] std::string notify_socket() const { return path_ + "/notify.sock"; }

 private:
  RuntimeDir(std::string path, ipc::UniqueFd lock, ipc::UniqueFd pid_file)
      : path_(std::move(path)), lock_(std::move(lock)), pid_file_(std::move(pid_file)) {}
  [[nodiscard]] bool has_own_pid_file() const;

  std::string path_;
  ipc::UniqueFd lock_;
  std::optional<pid_t> dead_master_;
  ipc::UniqueFd pid_file_;  // Open, so that no other file gets its inode.
};

}  // namespace reeve::supervisor
