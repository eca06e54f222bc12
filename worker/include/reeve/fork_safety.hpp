#pragma once
// How App::run() treats threads and sockets that exist before the lifespan does.

#include <cstdint>

namespace reeve {

/// A client that a static initialiser makes is nobody's: no phase opened it, none closes it, no
/// health check knows it. Its threads take the process's signals, so that a TERM kills instead of
/// draining; and a program that is forked shares it with its children.
enum class ForkSafety : std::uint8_t {
  Refuse,  ///< names them and ends with App::OpenedTooEarly
  Warn,    ///< names them and goes on: for a profiler that comes with the program
};

}  // namespace reeve
