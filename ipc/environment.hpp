#pragma once
// Names of the environment variables with which the master tells a worker who it is.
// A native worker without them runs alone.

namespace reeve::ipc::environment {

inline constexpr char kChannel[] = "REEVE_CHANNEL";            ///< fd number of the channel
inline constexpr char kRecorder[] = "REEVE_RECORDER";          ///< fd number of the recorder
inline constexpr char kSlot[] = "REEVE_SLOT";                  ///< "web:0"
inline constexpr char kPid[] = "REEVE_PID";                    ///< its own, also in its children
inline constexpr char kGeneration[] = "REEVE_GENERATION";      ///< counts up with each deploy
inline constexpr char kGraceMs[] = "REEVE_GRACE_MS";           ///< the drain's limit, milliseconds
inline constexpr char kIdleDrainMs[] = "REEVE_IDLE_DRAIN_MS";  ///< idle this long: closed
inline constexpr char kApp[] = "REEVE_APP";                    ///< [pool.NAME.app], as TOML
inline constexpr char kNotifySocket[] = "NOTIFY_SOCKET";       ///< sd_notify(3)
inline constexpr char kWatchdogUsec[] = "WATCHDOG_USEC";       ///< sd_watchdog_enabled(3)
inline constexpr char kWatchdogPid[] = "WATCHDOG_PID";         ///< the worker's own pid

}  // namespace reeve::ipc::environment
