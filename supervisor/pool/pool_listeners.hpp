#pragma once
// The listeners of one pool over stop and start: open before anything starts, emptied before the
// whole pool stops, closed while it is stopped, so that clients are refused and do not wait. Never
// closes one that another pool serves from. Loop thread.

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/listen/accept_queue.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/log/log.hpp"

namespace reeve::supervisor {

class PoolListeners {
 public:
  /// Whether a pool other than this one still serves from the listener.
  using UsedElsewhere = std::function<bool(const Listener&)>;

  PoolListeners(ipc::uv::Loop& loop, Log& log, UsedElsewhere used_elsewhere)
      : loop_(loop), log_(log), used_elsewhere_(std::move(used_elsewhere)) {}

  /// Opens those that are closed. An emptying that is under way ends first.
  [[nodiscard]] ipc::Result<> open(const ListenerSet& listeners);
  /// Closes those that are open, not from systemd, and of no use elsewhere.
  void close(const ListenerSet& listeners) const;

  /// Shuts newcomers out of those that close() would close, and calls `on_empty` once whoever has
  /// connected was accepted, or the limits are reached; at once where there is nothing to wait for.
  void empty(const ListenerSet& listeners, AcceptQueueWait::Limits limits,
             std::function<void()> on_empty);
  /// Ends the waiting of empty(), if it goes on.
  void hurry();
  [[nodiscard]] bool emptying() const { return wait_ != nullptr; }

 private:
  [[nodiscard]] ListenerSet own(ListenerSet listeners) const;

  ipc::uv::Loop& loop_;
  Log& log_;
  UsedElsewhere used_elsewhere_;
  std::unique_ptr<AcceptQueueWait> wait_;
};

}  // namespace reeve::supervisor
