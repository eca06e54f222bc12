#include "supervisor/process/notify_server.hpp"

#include <unistd.h>

#include <utility>

namespace reeve::supervisor {
namespace {

// More than 500 workers send when they all become ready; a flood waits for the next turn.
constexpr int kNotificationsATurn = 1024;

}  // namespace

ipc::Result<std::unique_ptr<NotifyServer>> NotifyServer::open(ipc::uv::Loop& loop,
                                                              const std::string& path,
                                                              OnMessage on_message) {
  auto socket = ipc::NotifySocket::open(path);
  if (!socket) return std::unexpected(socket.error());
  return adopt(loop, std::move(*socket), std::move(on_message));
}

std::unique_ptr<NotifyServer> NotifyServer::adopt(ipc::uv::Loop& loop, ipc::NotifySocket socket,
                                                  OnMessage on_message) {
  return std::unique_ptr<NotifyServer>(
      new NotifyServer(loop, std::move(socket), std::move(on_message)));
}

NotifyServer::NotifyServer(ipc::uv::Loop& loop, ipc::NotifySocket socket, OnMessage on_message)
    : socket_(std::move(socket)),
      file_(ipc::file_id(socket_.path())),
      on_message_(std::move(on_message)),
      poll_(loop, socket_.fd(), [this](int) { receive_pending(); }) {
  poll_.watch(UV_READABLE);
}

NotifyServer::~NotifyServer() {
  // An abstract one is no file; what another process has put in its place is not ours to remove.
  if (file_ && in_place()) ::unlink(socket_.path().c_str());
}

void NotifyServer::receive_pending() {
  for (int i = 0; i < kNotificationsATurn; ++i) {
    const auto notification = socket_.receive();
    if (!notification) return;
    on_message_(*notification);
  }
}

}  // namespace reeve::supervisor
