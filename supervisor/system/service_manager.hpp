#pragma once
// The master's messages to systemd, or to another program that gave it a NOTIFY_SOCKET
// (sd_notify(3)). Silent when none did. Loop thread.

#include <string>
#include <string_view>

#include "ipc/base/uv.hpp"

namespace reeve::supervisor {

class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Pings the watchdog from the loop, so that
  /// a loop that hangs is noticed.
  explicit ServiceManager(ipc::uv::Loop& loop);

  void ready() const { send("READY=1"); }
  /// Sent only when it differs from the last one.
  void status(std::string_view text);
  void reloading();
  void stopping() const { send("STOPPING=1"); }
  /// The start, or the stop, may rightly last until `end`: systemd is asked to wait as long
  /// (EXTEND_TIMEOUT_USEC), whatever its TimeoutStartSec and TimeoutStopSec are. Sent only when it
  /// is later than what was asked for before.
  void wait_until(ipc::TimePoint end, ipc::TimePoint now);
  /// Asks for `time` from now on at least, in a start that is not under the loop yet.
  static void ask_for(ipc::Duration time);
  [[nodiscard]] bool someone_listens() const { return !socket_.empty(); }

 private:
  void send(std::string_view text) const;
  void ping();

  std::string socket_;
  std::string status_;
  ipc::TimePoint promised_{};
  ipc::Duration ping_every_{};
  ipc::uv::Timer watchdog_;
};

}  // namespace reeve::supervisor
