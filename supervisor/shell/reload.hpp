#pragma once
// A changed configuration, put into force while workers serve: what differs between two versions,
// and the steps that lead from one to the other. Everything that can fail does so before the first
// step.

#include <functional>
#include <string>
#include <vector>

#include "supervisor/config/config.hpp"
#include "supervisor/shell/herd.hpp"
#include "supervisor/shell/listeners.hpp"

namespace reeve::supervisor {

/// What is to be done about each pool. A pool in none of the lists is untouched.
struct PoolChanges {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> scaled;  ///< only the number of workers differs
  std::vector<std::string> rolled;  ///< anything else differs, or an address that it listens on

  [[nodiscard]] std::size_t count() const {
    return added.size() + removed.size() + scaled.size() + rolled.size();
  }
  bool operator==(const PoolChanges&) const = default;
};

/// A pool as far as a change of it matters.
struct PoolVersion {
  PoolConfig config;
  std::vector<ipc::Address> addresses;  ///< where it listens, in order
};

/// The pools that a configuration asks for.
[[nodiscard]] std::vector<PoolVersion> versions_in(const Config& config);

/// Pure.
[[nodiscard]] PoolChanges compare(const std::vector<PoolVersion>& before,
                                  const std::vector<PoolVersion>& after);

/// Why a change needs a new master; empty when it does not.
[[nodiscard]] std::string needs_restart(const SupervisorConfig& before,
                                        const SupervisorConfig& after);

class Reload {
 public:
  using OnVerdicts = CommandBook::OnVerdicts;

  /// `config` is what the master was started with, `adopted` what systemd passed and no listener
  /// uses. `path` is empty when there is no file.
  Reload(Log& log, Herd& herd, CommandBook& book, SupervisorConfig config,
         std::vector<ipc::NamedFd> adopted, std::string path);

  /// Rereads the file and answers once every change has its verdict. A bad file, or a listener that
  /// does not open, changes nothing.
  void run(const OnVerdicts& on_verdicts);

 private:
  [[nodiscard]] std::vector<PoolVersion> versions_in_force() const;
  void apply(const Config& next, const ListenerSet& opened, const OnVerdicts& on_verdicts);
  void refuse(const OnVerdicts& on_verdicts, std::string why) const;

  Log& log_;
  Herd& herd_;
  CommandBook& book_;
  SupervisorConfig config_;            // As read last.
  std::vector<ipc::NamedFd> adopted_;  // From systemd, used by no listener yet.
  std::string path_;
};

}  // namespace reeve::supervisor
