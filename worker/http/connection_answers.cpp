// What a connection does with a request: read it, have it answered, write the answer.

#include <utility>

#include "worker/http/connection.hpp"
#include "worker/http/request_access.hpp"

namespace reeve::worker {
namespace {

// Answers to pipelined requests leave together up to this size.
constexpr std::size_t kBatchBytes = 64 * 1024;
// A producer that writes more without a pause gives way to the other connections.
constexpr std::size_t kStreamTurnBytes = 256 * 1024;

}  // namespace

void Connection::begin_request() {
  // A handler on the thread pool may still hold the last one for a moment.
  if (!exchange_ || exchange_.use_count() > 1) {
    exchange_ = std::make_shared<Exchange>(services_, static_cast<Exchange::Client&>(*this));
    RequestAccess::parts(exchange_->request()).peer = &peer_;
  }
  parser_.begin(exchange_->request());
  head_complete_ = false;
}

bool Connection::receive_request() {
  // One empty line before a request is forgiven: old clients send it after a body (RFC 9112, 2.2).
  if (!head_complete_ && input_.unread() == "\r") return false;
  if (!head_complete_ && input_.unread().starts_with("\r\n")) input_.use(2);

  const auto taken = parser_.parse(input_.unread());
  if (!taken) {
    refuse(taken.error());
    return true;
  }
  input_.use(*taken);
  if (parser_.stage() == RequestParser::Stage::Complete) {
    enter(Phase::Handling, kNever);
    exchange_->start();
    return true;
  }
  if (end_of_input_) {  // The rest of it will not come; what is queued still goes out.
    input_.use(input_.unread().size());
    after_ = After::Close;
    enter(Phase::Flushing, services_.now() + services_.limits.write_time);
    return true;
  }
  if (!head_complete_ && parser_.stage() != RequestParser::Stage::Head) {
    head_complete_ = true;
    enter(Phase::Receiving, services_.now() + services_.limits.body_time);
    if (parser_.expects_continue() && input_.unread().empty()) {
      output_.tail() += "HTTP/1.1 100 Continue\r\n\r\n";
    }
  }
  return false;
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

bool Connection::take_response() {
  if (exchange_->running()) return false;
  answer(*exchange_->take_response());
  return true;
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

Connection::After Connection::choose_after(bool head_only) const {
  const bool ends_by_closing = framing_ == BodyFraming::UntilClose && !head_only;
  if (!parser_.keep_alive() || out_of_requests() || ends_by_closing) return After::Close;
  // In a drain the requests that have arrived already are all answered; the last answer says that
  // it is the last. The client did not ask for that, so it may be sending one more.
  return services_.draining() && input_.unread().empty() ? After::Linger : After::NextRequest;
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

void Connection::finish_response() {
  exchange_->answered(status_);
  enter(Phase::Flushing, services_.now() + services_.limits.write_time);
}

bool Connection::flush_response() {
  const bool next = after_ == After::NextRequest && !out_of_requests();
  if (!next || input_.unread().empty() || output_.size() >= kBatchBytes ||
      exchange_->has_afterwork()) {
    flush();
    if (phase_ != Phase::Flushing || !output_.empty()) return false;
  }
  exchange_->conclude();
  if (next) {
    begin_request();
    rest();
  } else if (end_of_input_ || (after_ == After::Close && input_.unread().empty())) {
    phase_ = Phase::Closed;
  } else {
    linger();
  }
  return true;
}

}  // namespace reeve::worker
