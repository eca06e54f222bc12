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
      retry_(loop, [this] {
        if (!paused_) poll_.watch(UV_READABLE);
      }) {
  // Accepted sockets inherit it, which saves a system call each. On a Unix socket it fails, to no
  // harm.
  const int on = 1;
  ::setsockopt(listener_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  poll_.watch(UV_READABLE);
}

void Acceptor::pause() {
  paused_ = true;
  poll_.watch(0);
}

void Acceptor::resume() {
  paused_ = false;
  if (!retry_.armed()) poll_.watch(UV_READABLE);
}

void Acceptor::empty_queue() {
  while (accept_one() == Got::Connection) {
  }
}

void Acceptor::on_readable() {
  for (int i = 0; i < kAcceptsPerTurn && !paused_; ++i) {
    if (accept_one() != Got::Connection) return;
  }
}

Acceptor::Got Acceptor::accept_one() {
  while (true) {
    sockaddr_storage address;
    socklen_t size = sizeof address;
    const int fd = ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      in_trouble_ = false;
      on_connection_(ipc::UniqueFd(fd), Peer(address, size));
      return Got::Connection;
    }
    switch (errno) {
      case EAGAIN:
        return Got::Nothing;  // Perhaps another worker was faster.
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
      case EINVAL:
      case EBADF:
        on_trouble(errno);
        return Got::Trouble;
      default:
        continue;  // The connection died in the queue, or a signal came: the next one.
    }
  }
}

void Acceptor::on_trouble(int code) {
  if (!std::exchange(in_trouble_, true)) {
    on_trouble_("accept: " + ipc::errno_text(code) + "; trying again every 100 ms");
  }
  poll_.watch(0);
  retry_.arm(kRetry);
}

}  // namespace reeve::worker
