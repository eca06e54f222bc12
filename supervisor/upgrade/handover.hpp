#pragma once
// What one master hands to the next when it replaces itself: all that it knows, as plain data, and
// the numbers of the descriptors that survive the exec. Points in time are those of the machine's
// monotonic clock, which both share; pids are of children that stay children. Knows no encoding
// (handover_codec.hpp) and owns nothing: the numbers are borrowed from those who hand over, and
// become the property of those who adopt.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ipc/address.hpp"
#include "ipc/worker_state.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/core/lease.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/process/worker_reports.hpp"

namespace reeve::supervisor {

inline constexpr int kNoFd = -1;

/// SteeredAddress: the sockets in the kernel's order, by which its program picks.
struct SteeredHandover {
  struct Socket {
    std::uint64_t member = 0;
    int fd = kNoFd;
    bool enabled = false;
  };
  int anchor_fd = kNoFd;
  ipc::Address address;
  int backlog = 0;
  std::vector<Socket> sockets;
  std::uint64_t next_member = 1;
};

struct ListenerHandover {
  ListenerConfig config;
  int fd = kNoFd;        ///< none: closed, or steered
  bool adopted = false;  ///< from systemd
  bool path_is_ours = false;
  std::optional<ipc::Address> bound;
  std::optional<SteeredHandover> steered;
};

/// A socket of a steered listener. `listener` is an index into Handover::listeners, here and below.
struct WorkerSocketHandover {
  std::size_t listener = 0;
  std::uint64_t member = 0;
};

/// A worker's stdout or stderr, and the part of its last line that has been read already.
struct LogPipeHandover {
  int fd = kNoFd;
  std::string partial;
  bool cut = false;
};

struct ProcessHandover {
  WorkerId worker{};
  int slot = 0;
  Generation generation{};
  pid_t pid = 0;
  std::optional<TimePoint> drained_at;
  std::optional<TimePoint> watchdog_at;
  bool kill_sent = false;
  int channel_fd = kNoFd;
  int recorder_fd = kNoFd;
  int exec_status_fd = kNoFd;  ///< none: exec is decided
  std::string program;         ///< for what exec says, as `directory`
  std::string directory;
  std::string exec_error;
  std::string status_text;
  std::vector<std::string> steps;
  std::string reason;
  std::optional<ipc::WorkerState> state;
  bool line_lost = false;
  WorkerReports::State reports;
  std::vector<std::string> last_lines;
  LogPipeHandover out;
  LogPipeHandover error;
  std::vector<WorkerSocketHandover> worker_sockets;
  /// It is to drain, and hears of it once it has read what came to its worker_sockets.
  bool leaves_seat = false;
};

struct DeploymentHandover {
  Generation generation{};
  PoolConfig config;
  std::vector<std::size_t> listeners;  ///< those of config.listen, in order
};

/// What `reevectl why` tells of the last death in a slot.
struct DeathHandover {
  int slot = 0;
  std::vector<std::string> summary;
  std::vector<std::string> details;
};

/// WorkerSockets that a crashed worker has left to its successor.
struct KeptSeatsHandover {
  int slot = 0;
  std::vector<WorkerSocketHandover> worker_sockets;
};

struct PoolHandover {
  bool removed = false;  ///< from the configuration; what is left of it drains
  PoolState state;
  LeaseState lease;
  std::vector<DeploymentHandover> deployments;
  std::optional<DeploymentHandover> previous;  ///< what a rollback returns to
  std::optional<DeploymentHandover> adoption;  ///< what is taken over once nothing is left
  std::vector<ProcessHandover> processes;
  std::map<int, std::string> tails;  ///< of each slot: its last output
  std::vector<KeptSeatsHandover> kept_seats;
  std::vector<DeathHandover> deaths;  ///< the last one is last
  std::map<int, Death> last_deaths;   ///< of each slot: how it ended
  std::string held_for;               ///< why it has not started yet: it waits for another pool
};

/// A client of the control socket that is not waiting for a verdict, but for that on the upgrade.
struct SessionHandover {
  int fd = kNoFd;
  pid_t pid = 0;
  std::string unread;  ///< received, not yet served
  std::string unsent;
  bool input_ended = false;
  std::optional<std::string> follows;  ///< the request, of one that follows
  bool wants_verdict = false;          ///< it has asked for the upgrade
};

struct NamedFdHandover {
  std::string name;
  int fd = kNoFd;
};

/// setrlimit(2) as the master was given it, before it raised its own.
struct LimitHandover {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

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
  std::vector<ListenerHandover> listeners;
  std::vector<PoolHandover> pools;
  std::vector<SessionHandover> sessions;
  std::vector<std::size_t> kept_listeners;  ///< from systemd, whether a pool uses them or not
  std::string log_tail;                     ///< the end of the master's own log
  std::string unwritten_log;                ///< lines that a slow reader has not taken yet
};

}  // namespace reeve::supervisor
