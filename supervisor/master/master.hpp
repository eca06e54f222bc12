#pragma once
// The running master: wires signals, sockets, pools and commands together, and turns what comes
// from outside into their calls. Holds no rule of its own. Loop thread.

#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ipc/base/signals.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/control/events.hpp"
#include "supervisor/control/pending_commands.hpp"
#include "supervisor/control/server.hpp"
#include "supervisor/deploy/config_file.hpp"
#include "supervisor/deploy/deployer.hpp"
#include "supervisor/deploy/ordered_commands.hpp"
#include "supervisor/deploy/rehearsal.hpp"
#include "supervisor/deploy/reload.hpp"
#include "supervisor/deploy/start_order.hpp"
#include "supervisor/helper/helper.hpp"
#include "supervisor/log/output.hpp"
#include "supervisor/master/commands.hpp"
#include "supervisor/master/shutdown.hpp"
#include "supervisor/pool/pools.hpp"
#include "supervisor/process/notify_server.hpp"
#include "supervisor/system/config_lock.hpp"
#include "supervisor/system/out_of_memory.hpp"
#include "supervisor/system/reaper.hpp"
#include "supervisor/system/runtime_dir.hpp"
#include "supervisor/system/service_manager.hpp"
#include "supervisor/system/signals.hpp"
#include "supervisor/upgrade/upgrade.hpp"

namespace reeve::supervisor {

class Master {
 public:
  struct Dependencies {
    std::string config_path;
    std::vector<ipc::NamedFd> adopted;  ///< from systemd
    Launcher::Dependencies workers;
    std::string oom_counter;  ///< for OutOfMemoryWatch
    OwnBinary own_binary;
    RuntimeDir& runtime_dir;
    ConfigLock& config_lock;
    const Output& output;  ///< where the log goes
  };

  Master(ipc::uv::Loop& loop, Log& log, const SupervisorConfig& config, Dependencies dependencies);
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;

  /// Opens the sockets and makes the pools. What fails here ends the master before any worker was
  /// started.
  [[nodiscard]] ipc::Result<> open(const Config& config, const ListenerSet& listeners);
  /// Instead of open(): goes on where another master has stopped.
  void adopt(const Handover& handover);

  /// Starts every pool, unless they were adopted, and supervises until the end. Returns the exit
  /// code.
  [[nodiscard]] int run();

 private:
  void on_signal(int signal);
  void scale_first_pool(int by);
  void check_fatal();

  // What the parts tell the master.
  [[nodiscard]] Pools::Callbacks pools_callbacks();
  [[nodiscard]] Helper::Callbacks helper_callbacks() const;
  [[nodiscard]] Reload::Callbacks reload_callbacks();
  [[nodiscard]] Commands::Callbacks command_callbacks();
  [[nodiscard]] Upgrade::Callbacks upgrade_callbacks();
  [[nodiscard]] ControlServer::Callbacks control_callbacks();
  void wake();
  void reply(SessionId session, const ipc::control::Reply& reply);
  void reload_begins();
  void exec_comes();
  void ask(const ProbeQuestion& question, OnProbeAnswer on_answer);
  void serves_again();
  void shut_down_for(PendingCommands::OnVerdicts on_verdicts);
  void end(int exit_code);

  [[nodiscard]] ipc::Result<Handover> hand_over(const std::vector<SessionId>& askers) const;
  void upgraded(const Handover& from, const std::vector<SessionId>& askers);
  void on_turn_end();
  void on_zombie(pid_t pid);
  void on_exit(pid_t pid, Death death);
  void settle();
  void tend();
  void look_after_files();
  [[nodiscard]] std::expected<void, std::string> restore_files();
  void miss(const std::string& file, const std::string& text);
  void check_started();
  void ask_for_time();

  ipc::uv::Loop& loop_;
  Log& log_;
  ServiceManager service_manager_;
  PendingCommands pending_;
  CgroupTree* cgroups_;  // Null: none.
  Launcher launcher_;
  ipc::uv::Timer settle_timer_;
  ipc::uv::Timer ask_timer_;
  ipc::uv::Timer tend_timer_;
  Pools pools_;
  Helper helper_;
  /// Another one: it reads what programs answer, and no slow name service is to delay it, nor is
  /// it to say who a user is, should one of them take it over.
  Helper asking_helper_;
  ProbeCommands probe_commands_;
  ConfigFile file_;
  Deployer deployer_;
  StartOrder start_order_;
  OrderedCommands ordered_;
  Reload reload_;
  Rehearsals rehearsals_;
  Events events_;
  Shutdown shutdown_;
  Commands commands_;
  Upgrade upgrade_;
  Reaper reaper_;
  OutOfMemoryWatch out_of_memory_;
  std::unique_ptr<NotifyServer> notify_;
  std::unique_ptr<ControlServer> control_;
  ipc::uv::Signals signals_;
  Terminal terminal_;
  ipc::uv::Check check_;
  RuntimeDir& runtime_dir_;
  ConfigLock& config_lock_;
  std::set<std::string> missing_;  ///< Files that somebody has removed, which was said.
  const Output& output_;
  bool adopted_ = false;
  TimePoint started_at_;
  bool said_ready_ = false;
  bool asked_for_stop_ = false;
  int exit_code_ = 0;
};

}  // namespace reeve::supervisor
