#pragma once
// How a native worker ends, as its exit code: what App::run() returns, and what the master says of
// it. The numbers are those of sysexits.h, which init systems know too; they never change. Pure.

#include <cstdint>
#include <string_view>

namespace reeve::ipc {

enum class WorkerExit : std::uint8_t {
  Stopped = 0,
  BadUsage = 2,
  ResourceFailed = 69,    ///< EX_UNAVAILABLE
  InternalError = 70,     ///< EX_SOFTWARE
  SystemError = 71,       ///< EX_OSERR
  TimedOut = 75,          ///< EX_TEMPFAIL
  BadConfiguration = 78,  ///< EX_CONFIG
  OpenedTooEarly = 79,    ///< the first one beyond those of sysexits.h
};

/// "a required resource could not be opened"; empty for 0, and for a code that is none of these.
[[nodiscard]] std::string_view meaning_of_exit(int code);

}  // namespace reeve::ipc
