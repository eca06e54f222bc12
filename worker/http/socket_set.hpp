#pragma once
// The sockets of one server's connections, in an epoll of their own that the loop watches as one
// descriptor. A uv_poll_t for each would cost a connection that lives for one request five
// epoll_ctl and an ioctl; this costs two. Not for anything that lives longer. Loop thread only.

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"

namespace reeve::worker {

class SocketSet {
 public:
  class Member;

  /// Beside the events of libuv: the connection is over in both directions, so that not even an
  /// answer would arrive. Reported by itself only when nothing else is asked for: it cannot be
  /// missed otherwise.
  static constexpr int kHangUp = 1 << 8;

  explicit SocketSet(ipc::uv::Loop& loop);
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;

 private:
  void on_ready();

  ipc::uv::Loop& loop_;
  ipc::UniqueFd epoll_;
  ipc::uv::Poll poll_;
  std::vector<Member*> members_;  // By descriptor; null where none is.
  std::uint32_t last_serial_ = 0;
};

/// One watched, borrowed socket, which must outlive this. Level-triggered. The callback may destroy
/// it, and other members.
class SocketSet::Member {
 public:
  /// `on_event` gets UV_READABLE, UV_WRITABLE, UV_DISCONNECT and kHangUp bits; an error and a
  /// hang-up arrive as all that were asked for, so that the following recv or send reports them.
  Member(SocketSet& set, int fd, std::function<void(int events)> on_event);
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  /// 0 stops. False when the kernel has no memory for it, or no watch left
  /// (fs.epoll.max_user_watches): then nothing has changed.
  [[nodiscard]] bool watch(int events);

 private:
  friend class SocketSet;
  void on_ready(std::uint32_t seen);

  SocketSet& set_;
  int fd_;
  std::uint32_t serial_;  // Tells it from a former member with the same descriptor.
  int events_ = 0;
  std::function<void(int)> on_event_;
};

}  // namespace reeve::worker
