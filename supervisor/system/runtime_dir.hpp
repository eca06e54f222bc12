#pragma once
// The runtime directory: one master holds it at a time. Makes and reads local files.

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

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
  [[nodiscard]] static RuntimeDir adopt(std::string path, ipc::UniqueFd lock) {
    return {std::move(path), std::move(lock), std::nullopt};
  }

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
  RuntimeDir(std::string path, ipc::UniqueFd lock, std::optional<pid_t> dead_master)
      : path_(std::move(path)), lock_(std::move(lock)), dead_master_(dead_master) {}

  std::string path_;
  ipc::UniqueFd lock_;
  std::optional<pid_t> dead_master_;
};

}  // namespace reeve::supervisor
