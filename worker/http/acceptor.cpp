#include "worker/http/acceptor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "ipc/base/error.hpp"

namespace reeve::worker {
namespace {

// Few enough that the other workers get their share of a burst.
constexpr int kAcceptsPerTurn = 16;
// Out of descriptors or memory: accepting again at once would spin, since the queue stays readable.
constexpr std::chrono::milliseconds kRetry{100};

}  // namespace

Acceptor::Acceptor(ipc::uv::Loop& loop, ipc::UniqueFd listener, OnConnection on_connection,
                   OnTrouble on_trouble)
    : listener_(std::move(listener)),
      on_connection_(std::move(on_connection)),
      on_trouble_(std::move(on_trouble)),
      poll_(loop, listener_.get(), [this](int) { on_readable(); }),
      retry_(loop, [this] { watch(); }) {
  // Accepted sockets inherit it, which saves a system call each. On a Unix socket it fails, to no
  // harm.
  const int on = 1;
  ::setsockopt(listener_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch();
}

void Acceptor::pause() {
  paused_ = true;
  watch();
}

void Acceptor::resume() {
  paused_ = false;
  watch();
}

void Acceptor::empty_queue() {
  while (accept_one()) {
  }
}

void Acceptor::on_readable() {
  for (int i = 0; i < kAcceptsPerTurn && !paused_; ++i) {
    if (!accept_one()) return;
  }
}

bool Acceptor::accept_one() {
  sockaddr_storage address;
  socklen_t size = sizeof address;
  const int fd = ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    trouble_ = Trouble::None;
    on_connection_(ipc::UniqueFd(fd), Peer(address, size));
    return true;
  }
  switch (errno) {
    case EAGAIN:
      return false;  // Perhaps another worker was faster.
    // A signal came, or the connection died in the queue: accept(2) has the list. The next one.
    case EINTR:
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EPERM:
    case EPROTO:
    case ETIMEDOUT:
      return true;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      on_trouble(errno, Trouble::Passing);
      return false;
    default:
      on_trouble(errno, Trouble::Lasting);
      return false;
  }
}

void Acceptor::on_trouble(int code, Trouble kind) {
  if (std::exchange(trouble_, kind) != kind) {
    on_trouble_("accept: " + ipc::errno_text(code) +
                (kind == Trouble::Passing ? "; trying again every 100 ms"
                                          : "; nothing is accepted from this listener any more"));
  }
  if (kind == Trouble::Passing) retry_.arm(kRetry);
  watch();
}

void Acceptor::watch() {
  const bool accepts = !paused_ && !retry_.armed() && trouble_ != Trouble::Lasting;
  poll_.watch(accepts ? UV_READABLE : 0);
}

}  // namespace reeve::worker
