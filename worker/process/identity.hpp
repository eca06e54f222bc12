#pragma once
// The inheritance of this process: its name, its listeners, its lines to the master. Read once, at
// the start of the process; the variables that name descriptors are removed, so that no child
// mistakes them for its own.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/channel.hpp"
#include "ipc/listen_fds.hpp"
#include "ipc/recorder/recorder.hpp"

namespace reeve::worker {

struct Identity {
  std::string slot;  ///< "web:0"; empty without a master
  std::uint64_t generation = 0;
  std::chrono::milliseconds grace{30'000};
  std::chrono::milliseconds idle_drain{5'000};
  std::vector<ipc::NamedFd> listeners;
  std::vector<std::string> warnings;    ///< what is wrong with the listeners, for the log
  std::optional<ipc::Channel> channel;  ///< none without a master
  ipc::Recorder recorder = ipc::Recorder::detached();
  /// Without a sign of life for so long it is killed (WATCHDOG_USEC).
  std::optional<std::chrono::microseconds> watchdog;
  std::string notify_socket;  ///< used without a channel: this program's own systemd unit
};

/// Before any thread. An error means that a variable is there but lies.
[[nodiscard]] ipc::Result<Identity> adopt_identity();

}  // namespace reeve::worker
