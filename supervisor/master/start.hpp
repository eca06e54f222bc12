#pragma once
// The whole master behind one door: opens what it needs, supervises until told to stop, cleans up.
// What main() calls, once, in a process that has started no thread. Logs to stderr; prints nothing.

#include <string>
#include <utility>

#include "supervisor/config/config.hpp"
#include "supervisor/upgrade/own_binary.hpp"

namespace reeve::supervisor {

/// What run() returns, as the process's exit code.
namespace exit_code {
inline constexpr int kClean = 0;        ///< every worker left by itself
inline constexpr int kKilled = 1;       ///< a worker had to be killed
inline constexpr int kCannotStart = 2;  ///< bad configuration, port in use, unwritable directory
inline constexpr int kFatal = 3;        ///< a pool gave up, and on_fatal = "exit"
inline constexpr int kHeld = 4;         ///< another master holds the runtime directory
}  // namespace exit_code

class Master {
 public:
  /// `config_path` is reread on reload; empty when there is no file (`reeve run -- COMMAND`).
  /// `self` is how to start it anew, for an upgrade.
  Master(Config config, std::string config_path, OwnBinary self)
      : config_(std::move(config)),
        config_path_(std::move(config_path)),
        own_binary_(std::move(self)) {}
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;

  /// Supervises until a signal or a command ends it. A failed start-up is logged as one message
  /// that names the thing, the cause and the remedy. Returns an exit_code.
  [[nodiscard]] int run();

  /// The same for a process that was another master until its exec, and has left its state at the
  /// descriptor (takeover.hpp).
  [[nodiscard]] static int take_over(int state, OwnBinary self);

 private:
  Config config_;
  std::string config_path_;
  OwnBinary own_binary_;
};

}  // namespace reeve::supervisor
