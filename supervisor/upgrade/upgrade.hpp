#pragma once
// `reevectl upgrade` and SIGUSR2: the master becomes its new binary, in the same process. Until the
// exec nothing has changed, so whatever is wrong before it is only told. Loop thread.

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/uv.hpp"
#include "supervisor/control/session_id.hpp"
#include "supervisor/control/verdicts.hpp"
#include "supervisor/log/log.hpp"
#include "supervisor/upgrade/handover.hpp"
#include "supervisor/upgrade/own_binary.hpp"
#include "supervisor/upgrade/upgrade_trial.hpp"

namespace reeve::supervisor {

///   Idle --request--> Trying --the new binary could--> exec
///     ^                 |                               |
///     +--- it cannot ---+--------- exec failed ---------+
class Upgrade {
 public:
  struct Callbacks {
    /// Everything there is to hand over, now; or what stands in the way. `askers` wait for the
    /// verdict on the upgrade itself.
    std::function<ipc::Result<Handover>(const std::vector<SessionId>& askers)> hand_over;
    std::function<void(SessionId, const Verdicts&)> answer;
    std::function<void()> leaving;  ///< the exec comes next
    std::function<void()> staying;  ///< it has failed
  };

  Upgrade(ipc::uv::Loop& loop, Log& log, OwnBinary own_binary, Callbacks callbacks);

  /// Somebody asks for it; none: by a signal. A client is answered here when nothing comes of it,
  /// and by the new master otherwise.
  void request(std::optional<SessionId> asker);
  /// Where the new binary is expected.
  [[nodiscard]] const std::string& binary() const { return own_binary_.binary; }

  // A child of the master, perhaps the trial:
  void conclude(pid_t pid) const;              ///< it is a zombie
  void exited(pid_t pid, const Death& death);  ///< it was reaped

 private:
  void judge(const UpgradeTrial::Verdict& verdict);
  void take_leave();
  void refuse(const std::string& why);

  ipc::uv::Loop& loop_;
  Log& log_;
  OwnBinary own_binary_;
  Callbacks callbacks_;
  std::vector<SessionId> askers_;
  std::unique_ptr<UpgradeTrial> trial_;
  ipc::UniqueFd binary_;     // The file that was tried: the same one is executed.
  std::string new_version_;  // As the trial has said.
  ipc::uv::Timer leave_;     // Outside of every callback that could be half done.
};

}  // namespace reeve::supervisor
