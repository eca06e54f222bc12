#pragma once
// What one master hands to the next when it replaces itself: all that it knows, as plain data, and
// the numbers of the descriptors that survive the exec. Points in time are those of the machine's
// monotonic clock, which both share; pids are of children that stay children. Knows no encoding
// (handover_codec.hpp) and owns nothing: the numbers are borrowed from those who hand over, and
// become the property of those who adopt.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipc/address.hpp"
#include "ipc/worker_state.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/control/session.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {

using ipc::kNoFd;

struct NamedFdHandover {
  std::string name;
  int fd = kNoFd;
};
REEVE_FIELDS(NamedFdHandover, name, fd)

/// setrlimit(2) as the master was given it, before it raised its own.
struct LimitHandover {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};
REEVE_FIELDS(LimitHandover, soft, hard)

struct Handover {
  std::string version;  ///< of the master that hands over
  std::string binary;   ///< the path that it was started by, for the next upgrade
  std::string config_path;
  SupervisorConfig supervisor;  ///< as read last
  std::optional<LimitHandover> nofile;
  TimePoint started_at;
  bool said_ready = false;
  int lock_fd = kNoFd;
  int notify_fd = kNoFd;
  int control_fd = kNoFd;
  std::vector<NamedFdHandover> adopted;  ///< from systemd, used by no listener
  std::vector<Listener::State> listeners;
  std::vector<PoolRunner::State> pools;
  std::vector<ControlSession::State> sessions;
  std::vector<std::size_t> kept_listeners;  ///< from systemd, whether a pool uses them or not
  std::string log_tail;                     ///< the end of the master's own log
  std::string unwritten_log;                ///< lines that a slow reader has not taken yet
};
REEVE_FIELDS(Handover, version, binary, config_path, supervisor, nofile, started_at, said_ready,
             lock_fd, notify_fd, control_fd, adopted, listeners, pools, sessions, kept_listeners,
             log_tail, unwritten_log)

}  // namespace reeve::supervisor
