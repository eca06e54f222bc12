#include "supervisor/control/session.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "ipc/control/parts.hpp"

namespace reeve::supervisor {
namespace {

// A client that asks without pause must not hold the loop: the poll calls again.
constexpr int kRequestsATurn = 16;
// The memory of a long answer is given back once it is sent.
constexpr std::size_t kKeptBytes = 64UL * 1024;

}  // namespace

ControlSession::ControlSession(ipc::uv::Loop& loop, ipc::UniqueFd fd, Callbacks callbacks)
    : fd_(std::move(fd)),
      callbacks_(std::move(callbacks)),
      poll_(loop, fd_.get(), [this](int events) { on_event(events); }) {
  watch();
}

void ControlSession::reply(const ipc::control::Reply& reply) {
  if (state_ == State::Gone) return;
  const bool too_slow = unsent_.size() > kMaxUnsentBytes;
  if (!too_slow) unsent_ += ipc::control::encode_frames(reply);
  if (!reply.continues) {
    state_ = State::Listening;
    all_served_ = false;
  }
  if (too_slow) {
    unsent_.clear();
    input_ended_ =
        true;  // The next event finds it so; not from here, where the caller still counts on it.
    ::shutdown(fd_.get(), SHUT_RDWR);
  }
  send_unsent();
  watch();
}

void ControlSession::on_event(int events) {
  if ((events & UV_WRITABLE) != 0) send_unsent();
  if ((events & UV_READABLE) != 0) read_input();
  if ((events & UV_DISCONNECT) != 0 && state_ == State::Waiting) {
    if (is_cut_off()) state_ = State::Gone;
    half_closed_ = true;
  }
  serve_next();
  const bool nothing_left =
      input_ended_ && state_ == State::Listening && all_served_ && unsent_.empty();
  if (state_ == State::Gone || nothing_left) {
    leave();
  } else {
    watch();
  }
}

void ControlSession::read_input() {
  std::array<char, 16 * 1024> chunk;
  const ssize_t size = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    input_ended_ = true;  // It may still want the answer: `nc` closes its half first.
    if (size < 0 || state_ == State::Following) state_ = State::Gone;
    return;
  }
  // A client that follows has nothing more to say.
  const bool refused = !frames_.feed({chunk.data(), static_cast<std::size_t>(size)});
  if (refused || state_ == State::Following) state_ = State::Gone;
}

void ControlSession::serve_next() {
  for (int i = 0; i < kRequestsATurn && state_ == State::Listening; ++i) {
    const auto frame = frames_.next();
    all_served_ = !frame.has_value();
    if (!frame && frames_.rest().empty()) frames_ = {};  // So is what long requests have taken.
    if (!frame) return;
    const auto request = ipc::control::decode_request(*frame);
    if (!request) {
      state_ = State::Waiting;
      ipc::control::Reply refusal;
      refusal.error = request.error().text;
      reply(refusal);
      continue;
    }
    const bool follows = ipc::control::follows(*request);
    state_ = follows ? State::Following : State::Waiting;
    if (follows) follows_ = *frame;
    callbacks_.on_request(*request);
  }
}

void ControlSession::send_unsent() {
  while (!unsent_.empty()) {
    const ssize_t sent =
        ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {  // The client has gone; the next event says so too.
      unsent_.clear();
      input_ended_ = true;
      return;
    }
    unsent_.erase(0, static_cast<std::size_t>(sent));
  }
  if (unsent_.capacity() > kKeptBytes) unsent_ = {};
}

/// A client that waits for an answer is not read from: its next request stays in the socket. A
/// socket that is writable, as it nearly always is, serves as the wake-up for what must not happen
/// inside reply().
void ControlSession::watch() {
  const bool listens = state_ == State::Listening;
  const bool reads = state_ == State::Following || (listens && !input_ended_ && all_served_);
  const bool wakes = !unsent_.empty() || (listens && (input_ended_ || !all_served_));
  // Its place in a line is for somebody else when it goes.
  const bool may_leave = state_ == State::Waiting && !half_closed_;
  poll_.watch((reads ? UV_READABLE : 0) | (wakes ? UV_WRITABLE : 0) |
              (may_leave ? UV_DISCONNECT : 0));
}

/// Both directions are closed. `nc` closes only its own and waits for the answer.
bool ControlSession::is_cut_off() const {
  pollfd state{.fd = fd_.get(), .events = 0, .revents = 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

void ControlSession::leave() {
  state_ = State::Gone;
  poll_.watch(0);
  const auto on_gone = callbacks_.on_gone;  // It may destroy this.
  on_gone();
}

}  // namespace reeve::supervisor
