#pragma once
// What reevectl exits with: supervisorctl's codes, which are those of LSB init scripts.
//
//                                          status   others
//   all is as asked for                         0        0
//   refused or failed, no such name             4        1
//   wrong command line or configuration         2        2
//   something named is not running              3        7
//   no master: no control socket                4        7
//   no master: refused, or no permission        4        4
//
// 7 is also a start whose process died, and a signal or pid without a process. Commands that
// supervisorctl does not have (deploy, rollback, rehearse, upgrade) exit with 0 or 1. The shell
// always ends with 0.
//
// For status, "not running" is STOPPED, EXITED and FATAL: what nothing but a command will start
// again. Stopping what is stopped and starting what runs are errors in words, and 0.

namespace reeve::supervisor::ctl::exit_code {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kStatusNotRunning = 3;
inline constexpr int kStatusUnknown = 4;
inline constexpr int kNoAccess = 4;
inline constexpr int kNotRunning = 7;

}  // namespace reeve::supervisor::ctl::exit_code
