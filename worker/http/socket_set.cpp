#include "worker/http/socket_set.hpp"

#include <array>
#include <cassert>
#include <utility>

namespace reeve::worker {
namespace {

// The rest is reported in the next turn, after the other handles of the loop had theirs.
constexpr int kEventsATurn = 64;
constexpr int kEverything = UV_READABLE | UV_WRITABLE | UV_DISCONNECT | SocketSet::kHangUp;

std::uint32_t to_epoll(int events) {
  std::uint32_t wanted = 0;
  if ((events & UV_READABLE) != 0) wanted |= EPOLLIN;
  if ((events & UV_WRITABLE) != 0) wanted |= EPOLLOUT;
  if ((events & UV_DISCONNECT) != 0) wanted |= EPOLLRDHUP;
  return wanted;
}

}  // namespace

SocketSet::SocketSet(ipc::uv::Loop& loop)
    : loop_(loop),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      poll_(loop, epoll_.get(), [this](int) { on_ready(); }) {
  poll_.watch(UV_READABLE);
}

/// A member that an earlier event of the batch has destroyed is not found any more.
void SocketSet::on_ready() {
  std::array<epoll_event, kEventsATurn> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsATurn, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    Member* const member = members_[event.data.u64 & UINT32_MAX];
    if (member != nullptr && member->serial_ == event.data.u64 >> 32) {
      loop_.step();
      member->on_ready(event.events);
    }
  }
}

SocketSet::Member::Member(SocketSet& set, int fd, std::function<void(int)> on_event)
    : set_(set), fd_(fd), serial_(++set.last_serial_), on_event_(std::move(on_event)) {
  const auto index = static_cast<std::size_t>(fd);
  if (set_.members_.size() <= index) set_.members_.resize(index + 1);
  assert(set_.members_[index] == nullptr);
  set_.members_[index] = this;
}

SocketSet::Member::~Member() {
  [[maybe_unused]] const bool stopped = watch(0);
  set_.members_[static_cast<std::size_t>(fd_)] = nullptr;
}

bool SocketSet::Member::watch(int events) {
  if (events == events_) return true;
  int operation = EPOLL_CTL_MOD;
  if (events_ == 0) operation = EPOLL_CTL_ADD;
  if (events == 0) operation = EPOLL_CTL_DEL;
  const std::uint64_t name = std::uint64_t{serial_} << 32 | static_cast<std::uint32_t>(fd_);
  epoll_event wanted{.events = to_epoll(events), .data = {.u64 = name}};
  if (::epoll_ctl(set_.epoll_.get(), operation, fd_, &wanted) != 0) return false;
  events_ = events;
  return true;
}

void SocketSet::Member::on_ready(std::uint32_t seen) {
  int events = 0;
  if ((seen & EPOLLIN) != 0) events |= UV_READABLE;
  if ((seen & EPOLLOUT) != 0) events |= UV_WRITABLE;
  if ((seen & EPOLLRDHUP) != 0) events |= UV_DISCONNECT;
  if ((seen & (EPOLLERR | EPOLLHUP)) != 0) events = kEverything;
  events &= events_;
  if (events == 0) return;
  const auto on_event = on_event_;  // The callback may destroy this.
  on_event(events);
}

}  // namespace reeve::worker
