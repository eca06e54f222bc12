#pragma once
// The configuration file while the master runs: read anew when it is asked for, and its listeners
// opened. Nothing here touches a pool, and nothing blocks but on the disk: the users that the file
// names are looked up elsewhere. Loop thread.

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/error.hpp"
#include "supervisor/config/changes.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/listen/listeners.hpp"

namespace reeve::supervisor {

class ConfigFile {
 public:
  /// Calls `on_found` once: later, or from inside the call.
  using AskForUser =
      std::function<void(const std::string& user, std::function<void(FoundUser)> on_found)>;
  using OnConfig = std::function<void(ipc::Result<Config> config)>;

  /// `in_force` is what the master was started with; `adopted` what systemd passed and no listener
  /// uses. `path` is empty when there is no file.
  ConfigFile(std::string path, SupervisorConfig in_force, std::vector<ipc::NamedFd> adopted,
             AskForUser ask_for_user)
      : path_(std::move(path)),
        in_force_(std::move(in_force)),
        adopted_(std::move(adopted)),
        ask_for_user_(std::move(ask_for_user)) {}

  [[nodiscard]] bool exists() const { return !path_.empty(); }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// The whole file, checked. The error lists everything that is wrong, one to a line. Calls
  /// `on_config` once: from inside the call, or later when the file names users.
  void read(OnConfig on_config);
  /// From now on each read fails, also one that waits: the master is shutting down.
  void close(std::string why) { closed_ = std::move(why); }

  /// Opens listeners of the file, taking over what is open already. On an error nothing is left
  /// open that was not before.
  [[nodiscard]] ipc::Result<ListenerSet> open(const std::vector<ListenerConfig>& listeners,
                                              const ListenerSet& open_now);
  /// A socket of systemd's comes only once: it is kept while no pool uses it.
  void keep_adopted(const ListenerSet& listeners);

  // For who hands over.
  /// What systemd passed: not used yet, and used at least once.
  [[nodiscard]] const std::vector<ipc::NamedFd>& spare() const { return adopted_; }
  [[nodiscard]] const ListenerSet& kept() const { return kept_; }

  /// The part about the master itself that is in force.
  [[nodiscard]] const SupervisorConfig& in_force() const { return in_force_; }
  void put_in_force(SupervisorConfig next) { in_force_ = std::move(next); }

 private:
  using Users = std::map<std::string, FoundUser>;
  void read_with(const Users& users, const OnConfig& on_config);

  std::string path_;
  SupervisorConfig in_force_;
  std::vector<ipc::NamedFd> adopted_;  // From systemd, used by no listener yet.
  ListenerSet kept_;                   // From systemd, used at least once.
  AskForUser ask_for_user_;
  std::string closed_;  // Empty: it is not.
};

/// The part about one pool; null when there is none.
[[nodiscard]] const PoolConfig* find_pool(const Config& config, const std::string& name);

}  // namespace reeve::supervisor
