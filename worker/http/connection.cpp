#include "worker/http/connection.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "worker/http/request_access.hpp"

namespace reeve::worker {
namespace {

using std::chrono::milliseconds;

// After the last answer the client may still be sending: what it sends is read and dropped for a
// while, since closing a socket with unread input resets the connection and may destroy the answer.
constexpr milliseconds kLinger{1'000};
constexpr milliseconds kPromptLinger{50};
constexpr std::size_t kMaxDropped = 1024 * 1024;

// Answers to pipelined requests leave together up to this size.
constexpr std::size_t kBatchBytes = 64 * 1024;
// A producer that writes more without a pause gives way to the other connections.
constexpr std::size_t kStreamTurnBytes = 256 * 1024;
constexpr std::size_t kKeptCapacity = 16 * 1024;

}  // namespace

Connection::Connection(Services& services, Owner& owner, ipc::UniqueFd fd, const Peer& peer)
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
  switch (phase_) {
    case Phase::Closed:
      owner_.on_closed(*this);
      break;
    case Phase::Abandoned:
      break;
    case Phase::Fresh:
    case Phase::Idle:
    case Phase::Receiving:
    case Phase::Handling:
    case Phase::Streaming:
    case Phase::Flushing:
    case Phase::Lingering:
      watch();
      break;
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
    switch (phase_) {
      case Phase::Fresh:
        enter(Phase::Fresh, idle_deadline());
        break;
      case Phase::Idle:
        // A last look: a request that has arrived is served.
        if (services_.drain == ipc::DrainKind::Prompt) receive();
        if (phase_ == Phase::Idle && unread().empty()) rest();
        break;
      case Phase::Lingering:
        linger();
        break;
      case Phase::Receiving:
      case Phase::Handling:
      case Phase::Streaming:
      case Phase::Flushing:
      case Phase::Abandoned:
      case Phase::Closed:
        break;
    }
  });
}

void Connection::expire() {
  turn([this] {
    switch (phase_) {
      case Phase::Receiving:
        refuse({408, "the request took too long"});
        break;
      case Phase::Fresh:
      case Phase::Idle:
        linger();  // Half-closed first: a request that crosses it gets a clean end, not a reset.
        break;
      case Phase::Handling:
      case Phase::Streaming:
      case Phase::Flushing:
      case Phase::Lingering:
      case Phase::Abandoned:
      case Phase::Closed:
        abandon();
        break;
    }
  });
}

void Connection::abort() {
  turn([this] { abandon(); });
}

std::optional<std::string> Connection::request_in_progress() const {
  switch (phase_) {
    case Phase::Handling:
    case Phase::Streaming:
    case Phase::Abandoned:
      return exchange_->describe();
    case Phase::Flushing:
      // One that was refused never became a request with a name.
      if (parser_.stage() == RequestParser::Stage::Complete) return exchange_->describe();
      return std::nullopt;
    case Phase::Fresh:
    case Phase::Idle:
    case Phase::Receiving:
    case Phase::Lingering:
    case Phase::Closed:
      return std::nullopt;
  }
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------- events

void Connection::on_io(int events) {
  turn([this, events] {
    pushed_this_turn_ = 0;
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

bool Connection::on_chunk(std::string_view chunk) {
  if (phase_ != Phase::Streaming) return false;
  if (framing_ == BodyFraming::Chunked) {
    append_chunk(output_.tail(), chunk);
  } else {
    output_.tail() += chunk;
  }
  pushed_this_turn_ += chunk.size();
  flush();
  if (phase_ != Phase::Streaming) return false;
  producer_waits_ = !output_.empty() || pushed_this_turn_ >= kStreamTurnBytes;
  if (!in_turn_) watch();
  return !producer_waits_;
}

void Connection::receive() {
  if (!fd_ || end_of_input_) return;
  char* const buffer = services_.received.get();
  ssize_t size;
  do {
    size = ::recv(fd_.get(), buffer, Services::kReceiveBytes, 0);
  } while (size < 0 && errno == EINTR);

  if (size < 0) {
    if (errno != EAGAIN) abandon();
  } else if (size == 0) {
    on_end_of_input();
  } else if (phase_ == Phase::Lingering) {
    dropped_ += static_cast<std::size_t>(size);
    if (dropped_ > kMaxDropped) abandon();
  } else {
    if (used_ > 0) input_.erase(0, std::exchange(used_, 0));
    input_.append(buffer, static_cast<std::size_t>(size));
  }
}

// A client that closes and one that only half-closes look the same. A coroutine is told; for a
// handler on the thread pool, which cannot be, the answer is still worth trying.
void Connection::on_end_of_input() {
  end_of_input_ = true;
  switch (phase_) {
    case Phase::Handling:
      if (exchange_->cancellable()) abandon();
      break;
    case Phase::Flushing:
      break;
    case Phase::Fresh:
    case Phase::Idle:
    case Phase::Receiving:
    case Phase::Streaming:
    case Phase::Lingering:
    case Phase::Abandoned:
    case Phase::Closed:
      abandon();
      break;
  }
}

// -------------------------------------------------------------------------------------- decisions

/// Returns whether it got further.
bool Connection::step() {
  switch (phase_) {
    case Phase::Fresh:
    case Phase::Idle:
      if (unread().empty()) return false;
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
      if (!exchange_->running()) phase_ = Phase::Closed;
      return false;
    case Phase::Lingering:
    case Phase::Closed:
      return false;
  }
  return false;
}

bool Connection::receive_request() {
  // One empty line before a request is forgiven: old clients send it after a body (RFC 9112, 2.2).
  if (!head_complete_ && unread() == "\r") return false;
  if (!head_complete_ && unread().starts_with("\r\n")) use(2);

  const auto taken = parser_.parse(unread());
  if (!taken) {
    refuse(taken.error());
    return true;
  }
  use(*taken);
  if (parser_.stage() == RequestParser::Stage::Complete) {
    enter(Phase::Handling, kNever);
    exchange_->start();
    return true;
  }
  if (!head_complete_ && parser_.stage() != RequestParser::Stage::Head) {
    head_complete_ = true;
    enter(Phase::Receiving, services_.now() + services_.limits.body_time);
    if (parser_.expects_continue() && unread().empty()) {
      output_.tail() += "HTTP/1.1 100 Continue\r\n\r\n";
    }
  }
  return false;
}

bool Connection::take_response() {
  if (exchange_->running()) return false;
  answer(*exchange_->take_response());
  return true;
}

bool Connection::take_stream() {
  if (exchange_->running()) return false;
  if (exchange_->stream_failed()) {
    flush();
    abandon();  // Without the last chunk: the client can tell that the body is not whole.
    return true;
  }
  if (framing_ == BodyFraming::Chunked) output_.tail() += kLastChunk;
  finish_response();
  return true;
}

bool Connection::flush_response() {
  const bool next = after_ == After::NextRequest && !end_of_input_;
  if (!next || unread().empty() || output_.size() >= kBatchBytes) {
    flush();
    if (phase_ != Phase::Flushing || !output_.empty()) return false;
  }
  if (next) {
    begin_request();
    rest();
  } else if (end_of_input_ || (after_ == After::Close && unread().empty())) {
    phase_ = Phase::Closed;
  } else {
    linger();
  }
  return true;
}

// ---------------------------------------------------------------------------------------- actions

void Connection::begin_request() {
  // A handler on the thread pool may still hold the last one for a moment.
  if (!exchange_ || exchange_.use_count() > 1) {
    exchange_ = std::make_shared<Exchange>(services_, static_cast<Exchange::Client&>(*this));
    RequestAccess::parts(exchange_->request()).peer = &peer_;
  }
  parser_.begin(exchange_->request());
  head_complete_ = false;
}

void Connection::answer(Response response) {
  status_ = response.status();
  framing_ = framing_of(response, parser_.http_1_1());
  const bool head_only = exchange_->request().method() == Method::Head;
  after_ = choose_after(head_only);

  ConnectionHeader connection = ConnectionHeader::Absent;
  if (after_ != After::NextRequest) {
    connection = ConnectionHeader::Close;
  } else if (!parser_.http_1_1()) {
    connection = ConnectionHeader::KeepAlive;
  }
  append_head(output_.tail(), response, framing_, connection, services_.date.now());

  if (head_only || framing_ == BodyFraming::None) {
    finish_response();
  } else if (response.producer()) {
    enter(Phase::Streaming, kNever);
    exchange_->stream(response.producer());
  } else {
    output_.append_body(std::move(response.body()));
    finish_response();
  }
}

/// Answers a request that could not be read. Where the next one would begin is unknown, so this is
/// the end.
void Connection::refuse(const ParseError& error) {
  after_ = After::Linger;
  const Response response = Response::text(std::string(error.reason) + "\n", error.status);
  append_head(output_.tail(), response, BodyFraming::Length, ConnectionHeader::Close,
              services_.date.now());
  output_.tail() += response.body();
  enter(Phase::Flushing, services_.now() + services_.limits.write_time);
}

void Connection::finish_response() {
  exchange_->answered(status_);
  enter(Phase::Flushing, services_.now() + services_.limits.write_time);
}

Connection::After Connection::choose_after(bool head_only) const {
  const bool ends_by_closing = framing_ == BodyFraming::UntilClose && !head_only;
  if (!parser_.keep_alive() || end_of_input_ || ends_by_closing) return After::Close;
  // In a drain the requests that have arrived already are all answered; the last answer says that
  // it is the last. The client did not ask for that, so it may be sending one more.
  return services_.draining() && unread().empty() ? After::Linger : After::NextRequest;
}

/// Waits for the next request, unless there is to be none.
void Connection::rest() {
  if (services_.drain == ipc::DrainKind::Prompt && unread().empty()) {
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
  const bool running = exchange_->running();
  phase_ = running ? Phase::Abandoned : Phase::Closed;
  deadline_ = kNever;
  poll_.reset();
  fd_.reset();
  output_ = {};
  if (running) exchange_->cancel();
}

void Connection::flush() {
  if (!fd_ || output_.empty()) return;
  const std::size_t before = output_.size();
  const Output::Flushed flushed = output_.flush(fd_.get());
  if (flushed == Output::Flushed::Failed) return abandon();

  // While requests are awaited their own deadline counts; in the other phases the client must take
  // bytes.
  const bool handler_runs = phase_ == Phase::Handling || phase_ == Phase::Streaming;
  if (flushed == Output::Flushed::All) {
    if (handler_runs) deadline_ = kNever;
  } else if ((handler_runs || phase_ == Phase::Flushing) &&
             (output_.size() < before || deadline_ == kNever)) {
    enter(phase_, services_.now() + services_.limits.write_time);
  }
}

void Connection::watch() {
  const bool wants_input =
      phase_ == Phase::Receiving || unread().size() < services_.limits.buffered_input_bytes;
  int events = 0;
  if (!end_of_input_) events |= wants_input ? UV_READABLE : UV_DISCONNECT;
  if (!output_.empty() || producer_waits_) events |= UV_WRITABLE;
  if (!poll_) poll_.emplace(services_.context.loop(), fd_.get(), [this](int seen) { on_io(seen); });
  poll_->watch(events);
}

void Connection::enter(Phase phase, ipc::TimePoint deadline) {
  phase_ = phase;
  deadline_ = deadline;
  if (deadline != kNever) owner_.on_deadline(deadline);
}

ipc::TimePoint Connection::idle_deadline() const {
  const auto wait = [this]() -> milliseconds {
    if (!services_.drain) return services_.limits.keep_alive_time;
    switch (*services_.drain) {
      case ipc::DrainKind::Patient:
        return services_.timing.idle;
      case ipc::DrainKind::Prompt:
        return services_.timing.first_byte;
    }
    std::unreachable();
  }();
  return services_.now() + wait;
}

void Connection::use(std::size_t bytes) {
  used_ += bytes;
  if (used_ < input_.size()) return;
  input_.clear();
  used_ = 0;
  if (input_.capacity() > kKeptCapacity) input_.shrink_to_fit();
}

}  // namespace reeve::worker
