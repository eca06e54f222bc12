#pragma once
// The exit codes of `reeve run`, as supervisor/docs/reeve.md promises them. Pure.

namespace reeve::supervisor::exit_code {

inline constexpr int kClean = 0;        ///< every worker left by itself
inline constexpr int kKilled = 1;       ///< a worker had to be killed
inline constexpr int kCannotStart = 2;  ///< bad configuration, port in use, unwritable directory
inline constexpr int kFatal = 3;        ///< a pool gave up, and on_fatal = "exit"
inline constexpr int kHeld = 4;         ///< another master holds the runtime directory

}  // namespace reeve::supervisor::exit_code
