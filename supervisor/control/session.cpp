#include "supervisor/control/session.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "ipc/base/counted.hpp"
#include "ipc/control/parts.hpp"

namespace reeve::supervisor {
namespace {

// A client that asks without pause must not hold the loop: the poll calls again.
constexpr int kRequestsATurn = 16;
// The memory of a long answer is given back once it is sent.
constexpr std::size_t kKeptAnswerBytes = 64UL * 1024;

}  // namespace

ControlSession::ControlSession(ipc::uv::Loop& loop, State state, Callbacks callbacks)
    : fd_(state.fd),
      callbacks_(std::move(callbacks)),
      state_(std::move(state)),
      all_served_(state_.unread.empty()),
      poll_(loop, fd_.get(), [this](int events) { on_event(events); }) {
  if (state_.follows) {
    phase_ = Phase::Following;
  } else if (state_.wants_verdict) {
    phase_ = Phase::Waiting;
  }
  // Another reader has kept the bounds.
  [[maybe_unused]] const auto tolerated = frames_.feed(std::exchange(state_.unread, {}));
  watch();
}

ControlSession::State ControlSession::state() const {
  State state = state_;
  state.unread = frames_.rest();
  if (phase_ != Phase::Following) state.follows.reset();
  state.wants_verdict = phase_ == Phase::Waiting;
  return state;
}

void ControlSession::resume() const {
  if (phase_ != Phase::Following) return;
  auto request = ipc::control::decode_request(*state_.follows);
  if (!request) return;  // It was understood before.
  request->bytes = 0;
  callbacks_.on_request(*request);
}

void ControlSession::reply(const ipc::control::Reply& reply) {
  if (phase_ == Phase::Gone) return;
  const bool too_slow = state_.unsent.size() > kMaxUnsentBytes;
  // Once it has missed something, it goes on when it has read all that it has got.
  if (phase_ == Phase::Following && reply.continues && (too_slow || state_.left_out > 0)) {
    state_.left_out += std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ranges::count(reply.text, '\n')));
    return;
  }
  if (state_.left_out > 0) tell_what_was_left_out();
  if (!too_slow) state_.unsent += ipc::control::encode_frames(reply);
  if (!reply.continues) {
    phase_ = Phase::Listening;
    all_served_ = false;
  }
  if (too_slow) {
    state_.unsent.clear();
    state_.input_ended =
        true;  // The next event finds it so; not from here, where the caller still counts on it.
    ::shutdown(fd_.get(), SHUT_RDWR);
  }
  send_unsent();
  watch();
}

void ControlSession::on_event(int events) {
  if ((events & UV_WRITABLE) != 0) send_unsent();
  if ((events & UV_READABLE) != 0) read_input();
  if ((events & UV_DISCONNECT) != 0 && phase_ == Phase::Waiting) {
    if (is_cut_off()) phase_ = Phase::Gone;
    half_closed_ = true;
  }
  serve_next();
  const bool nothing_left =
      state_.input_ended && phase_ == Phase::Listening && all_served_ && state_.unsent.empty();
  if (phase_ == Phase::Gone || nothing_left) {
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
    state_.input_ended = true;  // It may still want the answer: `nc` closes its half first.
    if (size < 0 || phase_ == Phase::Following) phase_ = Phase::Gone;
    return;
  }
  // A client that follows has nothing more to say.
  const bool refused = !frames_.feed({chunk.data(), static_cast<std::size_t>(size)});
  if (refused || phase_ == Phase::Following) phase_ = Phase::Gone;
}

void ControlSession::serve_next() {
  for (int i = 0; i < kRequestsATurn && phase_ == Phase::Listening; ++i) {
    const auto frame = frames_.next();
    all_served_ = !frame.has_value();
    if (!frame && frames_.rest().empty()) frames_ = {};  // So is what long requests have taken.
    if (!frame) return;
    const auto request = ipc::control::decode_request(*frame);
    if (!request) {
      phase_ = Phase::Waiting;
      ipc::control::Reply refusal;
      refusal.error = request.error().text;
      reply(refusal);
      continue;
    }
    if (is_cut_off()) {  // Nobody waits for it any more.
      phase_ = Phase::Gone;
      return;
    }
    const bool follows = ipc::control::follows(*request);
    phase_ = follows ? Phase::Following : Phase::Waiting;
    if (follows) state_.follows = *frame;
    callbacks_.on_request(*request);
  }
}

void ControlSession::tell_what_was_left_out() {
  const std::uint64_t lines = std::exchange(state_.left_out, 0);
  ipc::control::Reply told{.continues = true};
  told.text = fmt::format("({} left out)\n", ipc::counted(lines, "line"));
  state_.unsent += ipc::control::encode_frames(std::move(told));
}

void ControlSession::send_unsent() {
  while (true) {
    if (state_.unsent.empty() && state_.left_out > 0) tell_what_was_left_out();
    if (state_.unsent.empty()) break;
    const ssize_t sent =
        ::send(fd_.get(), state_.unsent.data(), state_.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {  // The client has gone; the next event says so too.
      state_.unsent.clear();
      state_.input_ended = true;
      return;
    }
    state_.unsent.erase(0, static_cast<std::size_t>(sent));
  }
  if (state_.unsent.capacity() > kKeptAnswerBytes) state_.unsent = {};
}

/// A client that waits for an answer is not read from: its next request stays in the socket. A
/// socket that is writable, as it nearly always is, serves as the wake-up for what must not happen
/// inside reply().
void ControlSession::watch() {
  const bool listens = phase_ == Phase::Listening;
  const bool reads = phase_ == Phase::Following || (listens && !state_.input_ended && all_served_);
  const bool wakes = !state_.unsent.empty() || (listens && (state_.input_ended || !all_served_));
  // Its place in a line is for somebody else when it goes.
  const bool may_leave = phase_ == Phase::Waiting && !half_closed_;
  poll_.watch((reads ? UV_READABLE : 0) | (wakes ? UV_WRITABLE : 0) |
              (may_leave ? UV_DISCONNECT : 0));
}

/// Both directions are closed. `nc` closes only its own and waits for the answer.
bool ControlSession::is_cut_off() const {
  pollfd state{.fd = fd_.get(), .events = 0, .revents = 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

void ControlSession::leave() {
  phase_ = Phase::Gone;
  poll_.watch(0);
  const auto on_gone = callbacks_.on_gone;  // It may destroy this.
  on_gone();
}

}  // namespace reeve::supervisor
