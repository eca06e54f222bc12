// A connection's life: its events, its phases, its end.

#include "worker/http/connection.hpp"

#include <sys/socket.h>

#include <utility>

namespace reeve::worker {
namespace {

using std::chrono::milliseconds;

// After the last answer the client may still be sending: what it sends is read and dropped for a
// while, since closing a socket with unread input resets the connection and may destroy the answer.
constexpr milliseconds kLinger{1'000};
constexpr milliseconds kPromptLinger{50};

}  // namespace

Connection::Connection(RequestServices& services, Owner& owner, ipc::UniqueFd fd, const Peer& peer)
    : services_(services),
      owner_(owner),
      peer_(peer),
      fd_(std::move(fd)),
      parser_(services.limits) {
  begin_request();
}

Connection::~Connection() {
  exchange_->leave();
  exchange_->cancel();
}

template <class Act>
void Connection::turn(Act act) {
  in_turn_ = true;
  act();
  while (step()) {
  }
  flush();
  in_turn_ = false;
  if (phase_ == Phase::Closed) {
    owner_.on_closed(*this);
  } else if (phase_ != Phase::Abandoned) {
    watch();
  }
}

void Connection::start() {
  turn([this] {
    enter(Phase::Fresh, idle_deadline());
    receive();
  });
}

void Connection::drain() {
  turn([this] {
    if (phase_ == Phase::Fresh) enter(Phase::Fresh, idle_deadline());
    if (phase_ == Phase::Lingering) linger();
    if (phase_ != Phase::Idle) return;
    // A last look: a request that has arrived is served.
    if (services_.drain == ipc::DrainKind::Prompt) receive();
    if (phase_ == Phase::Idle && input_.unread().empty()) rest();
  });
}

// A last look first: when the loop was blocked, the client's bytes may have been in time.
void Connection::expire() {
  turn([this] {
    if (phase_ == Phase::Receiving) {
      receive();
      if (phase_ == Phase::Receiving && !receive_request() && deadline_ <= services_.now()) {
        refuse({408, "the request took too long"});
      }
    } else if (phase_ == Phase::Fresh || phase_ == Phase::Idle) {
      receive();
      // Half-closed first: a request that crosses it gets a clean end, not a reset.
      if (phase_ != Phase::Closed && input_.unread().empty()) linger();
    } else {
      abandon();
    }
  });
}

void Connection::abort() {
  turn([this] { abandon(); });
}

std::optional<std::string> Connection::request_in_progress() const {
  // A request that was refused never got a name.
  const bool named = phase_ == Phase::Flushing && parser_.stage() == RequestParser::Stage::Complete;
  if (!named && !handler_runs() && phase_ != Phase::Abandoned) return std::nullopt;
  return exchange_->describe();
}

void Connection::on_io(int events) {
  turn([this, events] {
    pushed_this_turn_ = 0;
    if ((events & SocketSet::kHangUp) != 0) return abandon();
    if ((events & UV_DISCONNECT) != 0) {
      on_end_of_input();
    } else if ((events & UV_READABLE) != 0) {
      receive();
    }
    if ((events & UV_WRITABLE) == 0) return;
    flush();
    if (output_.empty() && std::exchange(producer_waits_, false)) exchange_->resume_stream();
  });
}

void Connection::on_progress() {
  if (!in_turn_) turn([] {});  // Else the turn goes on by itself.
}

/// Returns whether it got further.
bool Connection::step() {
  switch (phase_) {
    case Phase::Fresh:
    case Phase::Idle:
      if (input_.unread().empty()) return false;
      enter(Phase::Receiving, services_.now() + services_.limits.header_time);
      return true;
    case Phase::Receiving:
      return receive_request();
    case Phase::Handling:
      return take_response();
    case Phase::Streaming:
      return take_stream();
    case Phase::Flushing:
      return flush_response();
    case Phase::Abandoned:
      if (exchange_->running()) return false;
      phase_ = Phase::Closed;
      exchange_->conclude();
      return false;
    case Phase::Lingering:
    case Phase::Closed:
      return false;
  }
  return false;
}

void Connection::enter(Phase phase, ipc::TimePoint deadline) {
  phase_ = phase;
  deadline_ = deadline;
  if (deadline != kNever) owner_.on_deadline(deadline);
}

ipc::TimePoint Connection::idle_deadline() const {
  milliseconds wait = services_.limits.keep_alive_time;
  if (services_.drain == ipc::DrainKind::Patient) wait = services_.timing.idle;
  if (services_.drain == ipc::DrainKind::Prompt) wait = services_.timing.first_byte;
  return services_.now() + wait;
}

/// Waits for the next request, unless there is to be none.
void Connection::rest() {
  if (services_.drain == ipc::DrainKind::Prompt && input_.unread().empty()) {
    ::shutdown(fd_.get(), SHUT_WR);
    phase_ = Phase::Closed;
    return;
  }
  enter(Phase::Idle, idle_deadline());
}

/// Half-closes, and drops what still comes until the client closes too.
void Connection::linger() {
  if (phase_ != Phase::Lingering) ::shutdown(fd_.get(), SHUT_WR);
  const bool prompt = services_.drain == ipc::DrainKind::Prompt;
  enter(Phase::Lingering, services_.now() + (prompt ? kPromptLinger : kLinger));
}

/// Drops the socket, and waits only for a handler that cannot be cancelled.
void Connection::abandon() {
  if (phase_ == Phase::Abandoned || phase_ == Phase::Closed) return;
  phase_ = Phase::Abandoned;
  deadline_ = kNever;
  poll_.reset();
  fd_.reset();
  output_ = {};
  if (exchange_->running()) exchange_->cancel();
  (void)step();  // Most coroutines have ended by now.
}

}  // namespace reeve::worker
