#pragma once
// Before a whole pool stops: lets its workers take what waits in the accept queues, since closing
// the last holder of a listener resets every connection in its queue. New connections are kept out
// meanwhile. Own TCP and Unix listeners only: what systemd holds survives the pool. Loop thread.

#include <functional>

#include "ipc/base/error.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/shell/listeners.hpp"

namespace reeve::supervisor {

/// Drops every new SYN that comes to this TCP listener, in the kernel and in every process that
/// shares the socket: a client that connects tries again a second later, and finds a successor or a
/// closed port.
[[nodiscard]] ipc::Result<> refuse_new_connections(int listener_fd);

/// Connections that were made and nobody has accepted. 0 when that cannot be known.
[[nodiscard]] int accept_queue_length(int listener_fd);

class Quiesce {
 public:
  struct Limits {
    Duration longest{};                  ///< then it is done anyway
    std::function<bool()> someone_left;  ///< false: nobody accepts any more, so waiting is in vain
  };

  /// Closes the door at once. `on_done` is called once, on a later turn of the loop or by finish();
  /// it may destroy this.
  Quiesce(ipc::uv::Loop& loop, ListenerSet listeners, Limits limits, std::function<void()> on_done);

  /// Done at once, whatever waits.
  void finish();

 private:
  [[nodiscard]] bool empty() const;
  void look();

  ipc::uv::Loop& loop_;
  ListenerSet listeners_;
  Limits limits_;
  TimePoint deadline_;
  std::function<void()> on_done_;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::supervisor
