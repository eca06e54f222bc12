#pragma once
// The listeners of a handover, each once, however many deployments share it. Those who refer to one
// name its place in the list. Loop thread.

#include <optional>
#include <vector>

#include "supervisor/listen/listeners.hpp"
#include "supervisor/listen/worker_socket.hpp"
#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

class HandedListeners {
 public:
  /// Adds the listener unless it is there. Returns its place.
  [[nodiscard]] std::size_t place_of(const Listener& listener);
  /// Those worker_sockets whose address a listener still has. A worker of an older deployment may
  /// have others: its own copy of the socket is all that is left of them.
  [[nodiscard]] std::vector<WorkerSocketHandover> places_of(
      const WorkerSockets& worker_sockets) const;

  [[nodiscard]] std::vector<ListenerHandover> take() { return std::move(listeners_); }

 private:
  std::vector<const Listener*> known_;
  std::vector<ListenerHandover> listeners_;
};

/// The other way round: each listener goes on in this process.
[[nodiscard]] ListenerSet adopt_listeners(const std::vector<ListenerHandover>& handed);
[[nodiscard]] WorkerSockets adopt_seats(const std::vector<WorkerSocketHandover>& handed,
                                        const ListenerSet& listeners);

}  // namespace reeve::supervisor
