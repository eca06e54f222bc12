#include "supervisor/control/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "ipc/control/parts.hpp"
#include "ipc/listener.hpp"

namespace reeve::supervisor {
namespace {

constexpr int kBacklog = 64;
constexpr auto kPause = std::chrono::milliseconds(100);

struct Peer {
  pid_t pid = 0;
  std::optional<std::string> objection;  ///< why it may not give orders
};

Peer peer_of(int client) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return {.objection = "the kernel does not say who is calling"};
  }
  if (peer.uid == 0 || peer.uid == ::geteuid()) return {.pid = peer.pid, .objection = {}};
  return {.objection = "only root and the user of the master may control it"};
}

void refuse(int client, std::string why) {
  ipc::control::Reply refusal;
  refusal.error = std::move(why);
  const std::string frame = ipc::control::encode_frames(std::move(refusal));
  [[maybe_unused]] const ssize_t tolerated =
      ::send(client, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

ipc::Result<ipc::UniqueFd> bind_control_socket(const std::string& path) {
  const ipc::Address address{.kind = ipc::Address::Kind::Unix, .host = {}, .port = 0, .path = path};
  const mode_t before = ::umask(0177);
  auto fd = ipc::open_listener(address, kBacklog);
  ::umask(before);
  return fd;
}

}  // namespace

ipc::Result<std::unique_ptr<ControlServer>> ControlServer::open(ipc::uv::Loop& loop,
                                                                const std::string& path,
                                                                Callbacks callbacks) {
  auto fd = bind_control_socket(path);
  if (!fd) return std::unexpected(fd.error());
  return std::make_unique<ControlServer>(loop, std::move(*fd), path, std::move(callbacks));
}

ControlServer::ControlServer(ipc::uv::Loop& loop, ipc::UniqueFd fd, std::string path,
                             Callbacks callbacks)
    : loop_(loop),
      path_(std::move(path)),
      callbacks_(std::move(callbacks)),
      try_again_(loop, [this] { poll_->watch(UV_READABLE); }) {
  listen(std::move(fd));
}

/// What another process has put in its place is not ours to remove.
ControlServer::~ControlServer() {
  if (in_place()) ::unlink(path_.c_str());
}

ipc::Result<> ControlServer::restore() {
  auto fd = bind_control_socket(path_);
  if (!fd) return std::unexpected(fd.error());
  listen(std::move(*fd));
  return {};
}

void ControlServer::listen(ipc::UniqueFd fd) {
  poll_.reset();
  fd_ = std::move(fd);
  file_ = ipc::file_id(path_);
  poll_.emplace(loop_, fd_.get(), [this](int) { accept_one(); });
  poll_->watch(UV_READABLE);
}

void ControlServer::reply(SessionId session, const ipc::control::Reply& reply) {
  if (const auto found = sessions_.find(session); found != sessions_.end()) {
    found->second->reply(reply);
  }
}

void ControlServer::end_streams() {
  for (const auto& [id, session] : sessions_) {
    if (session->follows()) session->reply({});
  }
}

pid_t ControlServer::peer(SessionId session) const {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? 0 : found->second->pid();
}

void ControlServer::accept_one() {
  ipc::UniqueFd client(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) pause();
    return;  // Otherwise the client has gone again.
  }
  Peer peer = peer_of(client.get());
  if (peer.objection) {
    refuse(client.get(), std::move(*peer.objection));
  } else if (sessions_.size() >= kMaxSessions) {
    refuse(client.get(), "too many clients at the control socket; try again later");
  } else {
    try {
      admit({.fd = client.release(), .pid = peer.pid});
    } catch (const std::system_error&) {
      pause();  // Nothing is left to watch it with: it is hung up on, and the master goes on.
    }
  }
}

/// No descriptor or memory is left, and the client that waits would wake the loop without end.
void ControlServer::pause() {
  poll_->watch(0);
  try_again_.arm(kPause);
}

SessionId ControlServer::admit(ControlSession::State client) {
  const SessionId id{next_session_++};
  sessions_.emplace(id,
                    std::make_unique<ControlSession>(loop_, std::move(client), callbacks_of(id)));
  return id;
}

std::vector<SessionId> ControlServer::adopt(const std::vector<ControlSession::State>& sessions) {
  std::vector<SessionId> askers;
  for (const ControlSession::State& state : sessions) {
    const SessionId id = admit(state);
    if (state.wants_verdict) askers.push_back(id);
    sessions_.at(id)->resume();
  }
  return askers;
}

std::vector<ControlSession::State> ControlServer::sessions(
    const std::vector<SessionId>& askers) const {
  std::vector<ControlSession::State> states;
  for (const auto& [id, session] : sessions_) {
    const bool asks = std::ranges::find(askers, id) != askers.end();
    if (asks || !session->waits_for_verdict()) states.push_back(session->state());
  }
  return states;
}

bool ControlServer::is_asked(const std::vector<SessionId>& askers) const {
  return std::ranges::any_of(sessions_, [&askers](const auto& entry) {
    return entry.second->waits_for_verdict() &&
           std::ranges::find(askers, entry.first) == askers.end();
  });
}

ControlSession::Callbacks ControlServer::callbacks_of(SessionId id) {
  return {.on_request = [this, id](const auto& request) { callbacks_.on_request(id, request); },
          .on_gone =
              [this, id] {
                callbacks_.on_gone(id);
                sessions_.erase(id);
              }};
}

}  // namespace reeve::supervisor
