// The clients of the control socket, while the master behind it is replaced.
#include <algorithm>
#include <utility>

#include "supervisor/control/server.hpp"

namespace reeve::supervisor {

ControlSession::ControlSession(ipc::uv::Loop& loop, const SessionHandover& handover,
                               Callbacks callbacks)
    : ControlSession(loop, ipc::UniqueFd(handover.fd), std::move(callbacks)) {
  unsent_ = handover.unsent;
  input_ended_ = handover.input_ended;
  if (handover.follows) {
    state_ = State::Following;
    follows_ = *handover.follows;
  } else if (handover.wants_verdict) {
    state_ = State::Waiting;
  }
  // The bytes were read within the bounds of another reader.
  [[maybe_unused]] const auto tolerated = frames_.feed(handover.unread);
  all_served_ = false;
  watch();
}

void ControlSession::resume(const SessionHandover& handover) const {
  if (!handover.follows) return;
  auto request = ipc::control::decode_request(*handover.follows);
  if (!request) return;  // It was understood before.
  request->bytes = 0;
  callbacks_.on_request(*request);
}

SessionHandover ControlSession::hand_over() const {
  SessionHandover handover{.fd = fd_.get(),
                           .unread = std::string(frames_.rest()),
                           .unsent = unsent_,
                           .input_ended = input_ended_,
                           .follows = {},
                           .wants_verdict = state_ == State::Waiting};
  if (state_ == State::Following) handover.follows = follows_;
  return handover;
}

std::unique_ptr<ControlServer> ControlServer::adopt(ipc::uv::Loop& loop, ipc::UniqueFd fd,
                                                    std::string path, Callbacks callbacks) {
  return std::unique_ptr<ControlServer>(
      new ControlServer(loop, std::move(fd), std::move(path), std::move(callbacks)));
}

std::vector<SessionId> ControlServer::adopt(const std::vector<SessionHandover>& sessions) {
  std::vector<SessionId> askers;
  for (const SessionHandover& handed : sessions) {
    const SessionId id{next_session_++};
    const auto added = sessions_.emplace(
        id, Client{handed.pid, std::make_unique<ControlSession>(loop_, handed, callbacks_of(id))});
    if (handed.wants_verdict) askers.push_back(id);
    added.first->second.session->resume(handed);
  }
  return askers;
}

std::vector<SessionHandover> ControlServer::hand_over(const std::vector<SessionId>& askers) const {
  std::vector<SessionHandover> handed;
  for (const auto& [id, client] : sessions_) {
    const bool asks = std::ranges::find(askers, id) != askers.end();
    if (!asks && client.session->waits_for_verdict()) continue;
    handed.push_back(client.session->hand_over());
    handed.back().pid = client.pid;
  }
  return handed;
}

bool ControlServer::is_asked(const std::vector<SessionId>& askers) const {
  return std::ranges::any_of(sessions_, [&askers](const auto& entry) {
    return entry.second.session->waits_for_verdict() &&
           std::ranges::find(askers, entry.first) == askers.end();
  });
}

}  // namespace reeve::supervisor
