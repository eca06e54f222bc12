// A connection's side towards its socket.

#include <sys/socket.h>

#include <cerrno>

#include "worker/http/connection.hpp"

namespace reeve::worker {
namespace {

constexpr std::size_t kMaxDropped = 1024 * 1024;

}  // namespace

void Connection::receive() {
  if (!fd_ || end_of_input_) return;
  char* const buffer = services_.received.get();
  ssize_t size = 0;
  do {
    size = ::recv(fd_.get(), buffer, RequestServices::kReceiveBytes, 0);
  } while (size < 0 && errno == EINTR);

  if (size < 0) {
    if (errno != EAGAIN) abandon();
  } else if (size == 0) {
    on_end_of_input();
  } else if (phase_ == Phase::Lingering) {
    dropped_ += static_cast<std::size_t>(size);
    if (dropped_ > kMaxDropped) abandon();
  } else {
    input_.append({buffer, static_cast<std::size_t>(size)});
  }
}

// A client that closes and one that only half-closes look the same at first, and the second waits
// for its answer. So the request in flight goes on, and the client is asked: a closed one answers
// with a reset, which cancels the handler.
void Connection::on_end_of_input() {
  end_of_input_ = true;
  if (handler_runs()) {
    probe();
  } else if (phase_ != Phase::Flushing) {
    abandon();
  }
}

/// Sends something that means nothing to a client that is still there: an interim answer, which
/// every client must expect (RFC 9110, 15.2), or a leading zero of the next chunk's size. For
/// HTTP/1.0 there is no such thing: its client is found out by its own reset, or by the answer.
void Connection::probe() {
  if (!parser_.http_1_1()) return;
  if (phase_ == Phase::Handling) {
    output_.tail() += "HTTP/1.1 100 Continue\r\n\r\n";
  } else if (framing_ == BodyFraming::Chunked) {
    output_.tail() += '0';
  }
}

void Connection::flush() {
  if (!fd_ || output_.empty()) return;
  const std::size_t before = output_.size();
  const Output::Flushed flushed = output_.flush(fd_.get());
  if (flushed == Output::Flushed::Failed) return abandon();

  // While requests are awaited their own deadline counts; in the other phases the client must take
  // bytes.
  if (flushed == Output::Flushed::All) {
    if (handler_runs()) deadline_ = kNever;
  } else if ((handler_runs() || phase_ == Phase::Flushing) &&
             (output_.size() < before || deadline_ == kNever)) {
    enter(phase_, services_.now() + services_.limits.write_time);
  }
}

void Connection::watch() {
  const bool wants_input =
      phase_ == Phase::Receiving || input_.unread().size() < services_.limits.buffered_input_bytes;
  int events = 0;
  if (!end_of_input_) events |= wants_input ? UV_READABLE : UV_DISCONNECT;
  if (!output_.empty() || producer_waits_) events |= UV_WRITABLE;
  if (end_of_input_) events |= SocketSet::kHangUp;
  if (!poll_) poll_.emplace(*services_.sockets, fd_.get(), [this](int seen) { on_io(seen); });
  if (!poll_->watch(events)) enter(phase_, services_.now());  // Nothing would wake it: it ends.
}

}  // namespace reeve::worker
