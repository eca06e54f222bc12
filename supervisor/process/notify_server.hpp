#pragma once
// The NOTIFY_SOCKET of the workers: who has sent what, by the kernel's word. Loop thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ipc/base/error.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/file_id.hpp"
#include "ipc/notify.hpp"

namespace reeve::supervisor {

class NotifyServer {
 public:
  using OnMessage = std::function<void(const ipc::Notification&)>;

  [[nodiscard]] static ipc::Result<std::unique_ptr<NotifyServer>> open(ipc::uv::Loop& loop,
                                                                       const std::string& path,
                                                                       OnMessage on_message);
  /// Goes on with a socket that another master has opened.
  [[nodiscard]] static std::unique_ptr<NotifyServer> adopt(ipc::uv::Loop& loop,
                                                           ipc::NotifySocket socket,
                                                           OnMessage on_message);
  ~NotifyServer();
  NotifyServer(const NotifyServer&) = delete;
  NotifyServer& operator=(const NotifyServer&) = delete;

  /// Takes what is there, up to a bound. Also to be called before a worker is reaped, whose last
  /// datagrams are older than its death.
  void receive_pending();

  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] const std::string& path() const { return socket_.path(); }
  /// Whether workers find it: its socket is still at its path.
  [[nodiscard]] bool in_place() const { return ipc::file_id(path()) == file_; }
  [[nodiscard]] const OnMessage& on_message() const { return on_message_; }

 private:
  NotifyServer(ipc::uv::Loop& loop, ipc::NotifySocket socket, OnMessage on_message);

  ipc::NotifySocket socket_;
  std::optional<ipc::FileId> file_;
  OnMessage on_message_;
  ipc::uv::Poll poll_;
};

}  // namespace reeve::supervisor
