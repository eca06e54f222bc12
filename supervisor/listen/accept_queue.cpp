#include "supervisor/listen/accept_queue.hpp"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace reeve::supervisor {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(2);

}  // namespace

ipc::Result<> refuse_new_connections(int listener_fd) {
  // A socket filter sees a TCP segment from its header on; the flags are byte 13 (RFC 9293, 3.1).
  constexpr std::uint32_t kFlags = 13;
  constexpr std::uint32_t kSynAck = 0x12;
  constexpr std::uint32_t kSyn = 0x02;
  std::array<sock_filter, 5> program = {{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlags), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSynAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),           // A SYN and no ACK: drop.
      BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),  // Handshakes under way, data: take all of it.
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(listener_fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) != 0) {
    return ipc::system_error("refuse new connections on", "a listener", errno);
  }
  return {};
}

int accept_queue_length(int listener_fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(listener_fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return static_cast<int>(info.tcpi_unacked);  // A listening socket's is its queue.
}

AcceptQueueWait::AcceptQueueWait(ipc::uv::Loop& loop, std::vector<int> listeners, Limits limits,
                                 std::function<void()> on_done)
    : loop_(loop),
      listeners_(std::move(listeners)),
      limits_(std::move(limits)),
      deadline_(loop.now() + limits_.longest),
      on_done_(std::move(on_done)),
      timer_(loop, [this] { look(); }) {
  timer_.arm(Duration::zero());
}

void AcceptQueueWait::finish() {
  timer_.disarm();
  const auto on_done = std::exchange(on_done_, nullptr);
  if (on_done) on_done();
}

bool AcceptQueueWait::empty() const {
  return std::ranges::all_of(listeners_,
                             [](int listener) { return accept_queue_length(listener) == 0; });
}

void AcceptQueueWait::look() {
  const bool in_vain = !limits_.someone_left() || loop_.now() >= deadline_;
  if (settling_ || in_vain || (empty() && limits_.settle == Duration::zero())) {
    finish();
  } else if (empty()) {
    settling_ = true;
    timer_.arm(limits_.settle);
  } else {
    timer_.arm(kLookEvery);
  }
}

}  // namespace reeve::supervisor
