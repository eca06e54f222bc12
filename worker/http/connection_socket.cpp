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
    input_.append({buffer, static_cast<std::size_t>(size)});
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
      phase_ == Phase::Receiving || input_.unread().size() < services_.limits.buffered_input_bytes;
  int events = 0;
  if (!end_of_input_) events |= wants_input ? UV_READABLE : UV_DISCONNECT;
  if (!output_.empty() || producer_waits_) events |= UV_WRITABLE;
  if (!poll_) poll_.emplace(*services_.sockets, fd_.get(), [this](int seen) { on_io(seen); });
  if (!poll_->watch(events)) enter(phase_, services_.now());  // Nothing would wake it: it ends.
}

}  // namespace reeve::worker
