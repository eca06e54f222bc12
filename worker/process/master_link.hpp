#pragma once
// The worker's line to its supervisor: the channel of a master, else systemd's NOTIFY_SOCKET, else
// none. Reports are best effort: a worker never waits for its master. Loop thread only.

#include <functional>
#include <optional>
#include <string>

#include "ipc/base/uv.hpp"
#include "ipc/channel.hpp"
#include "ipc/message.hpp"
#include "worker/process/log.hpp"

namespace reeve::worker {

class MasterLink {
 public:
  struct Callbacks {
    std::function<void(const ipc::MasterMessage&)> on_message;
    std::function<void()> on_gone;  ///< The master died. Called once.
  };

  MasterLink(ipc::uv::Loop& loop, std::optional<ipc::Channel> channel, std::string notify_socket,
             Log& log, Callbacks callbacks);

  [[nodiscard]] bool supervised() const { return channel_.has_value(); }
  /// Without the secrets that the log's redactor knows.
  void send(ipc::WorkerMessage message);
  /// Handles what has arrived. For a caller that must not act on older news: a signal overtakes
  /// messages.
  void receive();

 private:
  std::optional<ipc::Channel> channel_;
  std::string notify_socket_;
  Log& log_;
  Callbacks callbacks_;
  std::optional<ipc::uv::Poll> poll_;
};

}  // namespace reeve::worker
