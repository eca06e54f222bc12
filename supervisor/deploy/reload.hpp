#pragma once
// A changed configuration, put into force while workers serve, on the difference between the file
// and what runs. Everything that can fail does so before the first step. Reloads never overlap:
// while one runs, any number of requests become one more, which reads the file then. Loop thread.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/config/changes.hpp"
#include "supervisor/control/pending_commands.hpp"
#include "supervisor/control/session_id.hpp"
#include "supervisor/deploy/config_file.hpp"
#include "supervisor/deploy/deployer.hpp"
#include "supervisor/deploy/start_order.hpp"
#include "supervisor/pool/pools.hpp"

namespace reeve::supervisor {

class Reload {
 public:
  using OnVerdicts = PendingCommands::OnVerdicts;

  struct Callbacks {
    std::function<void()> on_begin;  ///< a reload begins
    std::function<void()> on_end;    ///< it has its verdicts
    std::function<void()> wake;      ///< advance() is to be called soon, not from inside the call
  };

  Reload(Log& log, Pools& pools, PendingCommands& commands, ConfigFile& file, Deployer& deployer,
         StartOrder& start_order, Callbacks callbacks);

  /// Rereads the file and answers once every change has its verdict. A bad file, or a listener that
  /// does not open, changes nothing. A pool that is being deployed is waited for. `on_verdicts` may
  /// be empty.
  void request(const Requester& requester, OnVerdicts on_verdicts);
  /// Runs what was asked for during the last one.
  void advance();
  /// A client has left: what only it has asked for, and has not begun, is not carried out.
  void gone(SessionId session);
  /// Answers whoever waits for a reload that will not come.
  void dismiss(const std::string& why);

  /// The same for the named pools only; none: for all. Verdicts in supervisorctl's words.
  void update(const std::vector<std::string>& names, const Requester& requester, IfBusy if_busy,
              const OnVerdicts& on_verdicts);
  /// Starts those of the named pools that the file has and the master has not.
  void add(const std::vector<std::string>& names, const OnVerdicts& on_verdicts);

  /// Between the file and what runs, or why the file cannot be read.
  struct Differences {
    PoolChanges changes;
    std::vector<std::string> in_file;
  };
  void differences(const std::function<void(ipc::Result<Differences>)>& on_differences);

  /// One is running, or is to run.
  [[nodiscard]] bool busy() const { return unsettled_ > 0 || pending_.has_value(); }

 private:
  enum class Words : std::uint8_t { Ours, Supervisors };
  /// One application of the file to some pools.
  struct Run {
    Config next{};
    ListenerSet opened{};
    Requester requester{};
    IfBusy if_busy{};
    Words words{};
    CommandId command{};
  };
  struct Pending {
    Requester requester;
    bool unattended = false;  ///< a signal wants it, which cannot leave
    std::vector<std::pair<std::optional<SessionId>, OnVerdicts>> waiting;
  };

  void run(const Requester& requester, const OnVerdicts& on_each);
  void go_on(const Requester& requester, const OnVerdicts& on_verdicts, bool nobody_asked,
             ipc::Result<Config> next);
  [[nodiscard]] std::vector<PoolVersion> versions_in_force(const ListenerSet& opened = {}) const;
  [[nodiscard]] ipc::Result<ListenerSet> open(const Config& next,
                                              const std::vector<ListenerConfig>& listeners);
  void apply(Run run, const PoolChanges& changes, const OnVerdicts& on_verdicts);
  /// apply() for some pools of the file, once its listeners are open.
  void apply_part(Config next, const std::vector<ListenerConfig>& listeners, Run run,
                  const PoolChanges& changes, const OnVerdicts& on_verdicts);
  void change(const Run& run, const std::string& name);
  void bring_to(PoolRunner& pool, CommandId part, const PoolConfig& config, const Run& run);
  [[nodiscard]] CommandId part_of(const Run& run, std::string name, std::string_view done);
  /// The same, and the next reload waits for it.
  [[nodiscard]] CommandId awaited_part_of(const Run& run, std::string name, std::string_view done);
  void settle_one();
  void refuse(const OnVerdicts& on_verdicts, const std::string& why) const;

  Log& log_;
  Pools& pools_;
  PendingCommands& commands_;
  ConfigFile& file_;
  Deployer& deployer_;
  StartOrder& start_order_;
  Callbacks callbacks_;
  int unsettled_ = 0;  // Pools that a reload is bringing somewhere; 0: none runs.
  std::optional<Pending> pending_;
};

}  // namespace reeve::supervisor
