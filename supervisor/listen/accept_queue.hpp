#pragma once
// Connections that wait to be accepted from listening sockets, and waiting until there are none:
// closing the last holder of a listener resets every connection in its queue. Loop thread.

#include <functional>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

/// Drops every new SYN that comes to this TCP listener, in the kernel and in every process that
/// shares the socket: a client that connects tries again a second later, and finds a successor or a
/// closed port.
[[nodiscard]] ipc::Result<> refuse_new_connections(int listener_fd);

/// Connections that were made and nobody has accepted. 0 when that cannot be known.
[[nodiscard]] int accept_queue_length(int listener_fd);

/// Waits until the queues are empty, looking every few milliseconds, up to a limit.
class AcceptQueueWait {
 public:
  struct Limits {
    Duration longest{};  ///< then it is done anyway
    /// How long to wait on, once they are empty: for a program to read what it has accepted, since
    /// many close unread connections when they are told to end. Zero for those that do not.
    Duration settle{};
    std::function<bool()> someone_left;  ///< false: nobody accepts any more, so waiting is in vain
  };

  /// The sockets are borrowed. `on_done` is called once, on a later turn of the loop or by
  /// finish(); it may destroy this.
  AcceptQueueWait(ipc::uv::Loop& loop, std::vector<int> listeners, Limits limits,
                  std::function<void()> on_done);

  /// Done at once, whatever waits.
  void finish();

 private:
  [[nodiscard]] bool empty() const;
  void look();

  ipc::uv::Loop& loop_;
  std::vector<int> listeners_;
  Limits limits_;
  TimePoint deadline_;
  bool settling_ = false;
  std::function<void()> on_done_;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::supervisor
