#pragma once
// Starts worker processes: opens what crosses to the child, plans, forks, and keeps the master's
// ends. Loop thread.

#include <sys/resource.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/error.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/shell/launch_plan.hpp"
#include "supervisor/shell/listeners.hpp"
#include "supervisor/shell/process.hpp"
#include "supervisor/shell/ready_log.hpp"

namespace reeve::supervisor {

/// Ends the name of a pool that is a rehearsal of another one; no configured pool has a colon.
inline constexpr std::string_view kRehearsalSuffix = ":rehearsal";

/// One deployed version of a pool: what its generation is started with.
struct Deployment {
  PoolConfig config;
  ListenerSet listeners;                             ///< those of config.listen, in order
  std::shared_ptr<const ReadyLogMatcher> ready_log;  ///< only with the rule ReadyLog

  [[nodiscard]] static Deployment of(PoolConfig config, const ListenerSet& all);
};

class Launcher {
 public:
  struct Surroundings {
    Environment environment;  ///< what workers inherit of the master's
    std::string notify_socket;
    std::optional<rlimit> nofile;  ///< what the master was given; workers get the same
  };

  Launcher(ipc::uv::Loop& loop, Surroundings surroundings)
      : loop_(loop), surroundings_(std::move(surroundings)) {}

  /// `seats` has one for each steered listener of the deployment. An error means that no process
  /// was made.
  [[nodiscard]] ipc::Result<std::unique_ptr<Process>> launch(const Deployment& deployment,
                                                             Process::Identity identity,
                                                             Seats seats,
                                                             ProcessObserver& observer) const;

 private:
  ipc::uv::Loop& loop_;
  Surroundings surroundings_;
};

/// "web:0"; "web:rehearsal" for the only worker of a pool that is called so.
[[nodiscard]] std::string process_name(const std::string& pool, int slot);

}  // namespace reeve::supervisor
