#pragma once
// The control socket: accepts reevectl and whoever else speaks its protocol, as root or as the
// master's own user. Knows no command. Loop thread.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/control/protocol.hpp"
#include "ipc/file_id.hpp"
#include "supervisor/control/session.hpp"
#include "supervisor/control/session_id.hpp"

namespace reeve::supervisor {

class ControlServer {
 public:
  static constexpr std::size_t kMaxSessions = 128;

  struct Callbacks {
    std::function<void(SessionId, const ipc::control::Request&)> on_request;
    std::function<void(SessionId)> on_gone;
  };

  /// Binds `path` with mode 0600, replacing a stale socket.
  [[nodiscard]] static ipc::Result<std::unique_ptr<ControlServer>> open(ipc::uv::Loop& loop,
                                                                        const std::string& path,
                                                                        Callbacks callbacks);
  /// Goes on with a socket that is open already.
  ControlServer(ipc::uv::Loop& loop, ipc::UniqueFd fd, std::string path, Callbacks callbacks);
  /// Takes over the clients, and serves those that follow. Returns who has asked for the upgrade.
  [[nodiscard]] std::vector<SessionId> adopt(const std::vector<ControlSession::State>& sessions);
  /// The clients. Of those that wait for a verdict, only `askers` can be handed over.
  [[nodiscard]] std::vector<ControlSession::State> sessions(
      const std::vector<SessionId>& askers) const;
  /// Whether somebody else waits for a verdict.
  [[nodiscard]] bool is_asked(const std::vector<SessionId>& askers) const;
  [[nodiscard]] int fd() const { return fd_.get(); }

  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Whether clients find it: its socket is still at its path.
  [[nodiscard]] bool in_place() const { return ipc::file_id(path_) == file_; }
  /// Binds anew after somebody has removed the socket. The clients that have connected stay.
  [[nodiscard]] ipc::Result<> restore();

  /// The process that connected; 0 when the client has gone.
  [[nodiscard]] pid_t peer(SessionId session) const;

  /// Nothing happens when the client has gone.
  void reply(SessionId session, const ipc::control::Reply& reply);

  /// Tells those who follow a log or events that it has come to its end: so they know it from a
  /// crash.
  void end_streams();

 private:
  void listen(ipc::UniqueFd fd);
  void accept_one();
  void pause();
  SessionId admit(ControlSession::State client);
  [[nodiscard]] ControlSession::Callbacks callbacks_of(SessionId id);

  ipc::uv::Loop& loop_;
  ipc::UniqueFd fd_;
  std::string path_;
  std::optional<ipc::FileId> file_;
  Callbacks callbacks_;
  std::map<SessionId, std::unique_ptr<ControlSession>> sessions_;
  std::uint64_t next_session_ = 1;
  std::optional<ipc::uv::Poll> poll_;
  ipc::uv::Timer try_again_;
};

}  // namespace reeve::supervisor
