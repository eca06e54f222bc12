#pragma once
// What an operator asks over the control socket, turned into commands of pools, and their verdicts
// into replies. Knows no socket. Loop thread.

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/control.hpp"
#include "supervisor/shell/control_server.hpp"
#include "supervisor/shell/herd.hpp"

namespace reeve::supervisor {

class Commands {
 public:
  struct Doors {
    std::function<void(SessionId, const ipc::control::Reply&)> reply;
    std::function<void(CommandBook::OnVerdicts)> reload;
    std::function<void(CommandBook::OnVerdicts)> shutdown;
    std::function<bool()> shutting_down;
  };

  Commands(ipc::uv::Loop& loop, Log& log, Herd& herd, CommandBook& book, Doors doors);

  void take(SessionId session, const ipc::control::Request& request);
  /// The client has left; what it asked for goes on.
  void gone(SessionId session);

 private:
  using PoolCommand = std::function<void(PoolRunner&, CommandId, const SlotSet&)>;

  void status(SessionId session, const ipc::control::Request& request);
  void signal(SessionId session, const ipc::control::Request& request);
  void scale(SessionId session, const ipc::control::Request& request);
  void tail(SessionId session, const ipc::control::Request& request);
  void why(SessionId session, const ipc::control::Request& request);
  void command_pools(SessionId session, const ipc::control::Request& request,
                     const PoolCommand& command);
  [[nodiscard]] CommandBook::OnVerdicts answer_to(SessionId session) const;
  void answer(SessionId session, Verdicts verdicts) const;
  void refuse(SessionId session, std::string why) const;

  struct Following {
    std::string pool;
    int slot;
    TailBuffer::FollowerId follower;
  };

  ipc::uv::Loop& loop_;
  Log& log_;
  Herd& herd_;
  CommandBook& book_;
  Doors doors_;
  std::multimap<SessionId, Following> following_;
};

/// "HUP", "SIGHUP" or "1"; 0 when it is none.
[[nodiscard]] int signal_number(std::string text);

}  // namespace reeve::supervisor
