#pragma once
// What an operator asks over the control socket, turned into commands of pools, and their verdicts
// into replies. Knows no socket. Loop thread.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/control/protocol.hpp"
#include "supervisor/control/events.hpp"
#include "supervisor/control/pending_commands.hpp"
#include "supervisor/control/server.hpp"
#include "supervisor/deploy/deployer.hpp"
#include "supervisor/deploy/ordered_commands.hpp"
#include "supervisor/deploy/rehearsal.hpp"
#include "supervisor/deploy/reload.hpp"
#include "supervisor/pool/pools.hpp"

namespace reeve::supervisor {

class Commands {
 public:
  using Request = ipc::control::Request;

  struct Callbacks {
    std::function<void(SessionId, const ipc::control::Reply&)> reply;
    std::function<pid_t(SessionId)> peer;  ///< who asks
    std::function<void(const Requester&, PendingCommands::OnVerdicts)> reload;
    std::function<void(PendingCommands::OnVerdicts)> shutdown;
    std::function<void(SessionId)> upgrade;
    std::function<bool()> shutting_down;
  };

  struct Dependencies {
    Pools& pools;
    PendingCommands& pending;
    OrderedCommands& ordered;
    Deployer& deployer;
    Reload& reload;
    Rehearsals& rehearsals;
    Events& events;
  };

  Commands(ipc::uv::Loop& loop, Log& log, Dependencies dependencies, Callbacks callbacks);

  void on_request(SessionId session, const Request& request);
  /// The verdict on what somebody else carries out.
  void answer(SessionId session, Verdicts verdicts) const;
  /// The client has left; what it asked for goes on, but what waits for its turn does not.
  void gone(SessionId session);
  /// A removed pool goes: so do those who follow its output.
  void forgotten(const PoolRunner& pool);

 private:
  using PoolCommand = std::function<void(PoolRunner&, CommandId, const SlotSet&)>;

  using Handler = void (Commands::*)(SessionId, const Request&);
  [[nodiscard]] static Handler handler_of(ipc::control::Method method);

  void start(SessionId session, const Request& request);
  void stop(SessionId session, const Request& request);
  void reload(SessionId session, const Request& request);
  void shut_down(SessionId session, const Request& request);
  void upgrade(SessionId session, const Request& request);
  void events(SessionId session, const Request& request);
  void status(SessionId session, const Request& request);
  void signal(SessionId session, const Request& request);
  void scale(SessionId session, const Request& request);
  void tail(SessionId session, const Request& request);
  void why(SessionId session, const Request& request);
  /// Calls `each` for every slot that is named, which `resolved` says.
  void for_each_slot(const ResolvedNames& resolved,
                     const std::function<void(PoolRunner&, const Slot&)>& each) const;
  void command_pools(SessionId session, const Request& request, const PoolCommand& command);
  void command_in_order(SessionId session, const Request& request, OrderedCommands::Kind kind);
  /// A command that each of its targets answers a part of; nothing: it was answered.
  struct Asked {
    CommandId id;
    std::vector<Target> targets;
  };
  [[nodiscard]] std::optional<Asked> open_command(SessionId session, const Request& request);
  void clear(SessionId session, const Request& request);
  void maintail(SessionId session, const Request& request);
  void version(SessionId session, const Request& request);

  // commands_deploy.cpp
  void restart(SessionId session, const Request& request);
  void deploy(SessionId session, const Request& request);
  void rollback(SessionId session, const Request& request);
  void rehearse(SessionId session, const Request& request);
  void reread(SessionId session, const Request& request);
  void avail(SessionId session, const Request& request);
  void update(SessionId session, const Request& request);
  void add(SessionId session, const Request& request);
  void remove(SessionId session, const Request& request);
  /// Calls `begin` for each pool that is named, with a command that they answer together. Refuses
  /// single processes.
  void for_each_pool(SessionId session, const Request& request,
                     const std::function<void(const std::string& pool, CommandId)>& begin);
  void tell_wait(SessionId session, const Request& request, const std::string& pool) const;
  [[nodiscard]] Requester requester(SessionId session, std::string what) const;
  /// Tells a client how it goes, if it has asked for that with `more`.
  [[nodiscard]] PoolRunner::OnProgress progress_to(SessionId session, const Request& request) const;

  [[nodiscard]] PendingCommands::OnVerdicts answer_to(SessionId session) const;
  void correct(ipc::control::Verdict& verdict) const;
  /// One more line of what the client follows.
  void reply_more(SessionId session, std::string text) const;
  void refuse(SessionId session, std::string why) const;

  struct Following {
    PoolRunner* pool;  // Until forgotten().
    int slot;
    TailBuffer::FollowerId follower;
  };

  ipc::uv::Loop& loop_;
  Log& log_;
  Pools& pools_;
  PendingCommands& pending_;
  OrderedCommands& ordered_;
  Deployer& deployer_;
  Reload& reload_;
  Rehearsals& rehearsals_;
  Events& events_;
  Callbacks callbacks_;
  std::multimap<SessionId, Following> following_;
  std::map<SessionId, TailBuffer::FollowerId> following_log_;
};

}  // namespace reeve::supervisor
