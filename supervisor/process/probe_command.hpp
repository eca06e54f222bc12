#pragma once
// Runs the commands of probes: as the user of the worker that they ask about, which only the master
// can become, and so not in the helper. Each has a limit of time and is killed with its process
// group, also when it ends by itself. Loop thread.

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "ipc/base/uv.hpp"
#include "supervisor/helper/probe.hpp"
#include "supervisor/process/launcher.hpp"

namespace reeve::supervisor {

/// One question to one worker.
struct ProbeQuestion {
  const PoolConfig& pool;
  const Probe& probe;
  Process::Identity who;
  pid_t pid = 0;
};

class ProbeCommands {
 public:
  static constexpr std::size_t kMostAtOnce = 64;

  ProbeCommands(ipc::uv::Loop& loop, const Launcher& launcher) : loop_(loop), launcher_(launcher) {}
  /// Kills what runs.
  ~ProbeCommands() { kill_all(); }
  ProbeCommands(const ProbeCommands&) = delete;
  ProbeCommands& operator=(const ProbeCommands&) = delete;

  /// Calls `on_answer` once: later, or from inside the call when there is no room.
  void run(const ProbeQuestion& question, OnProbeAnswer on_answer);
  void conclude(pid_t pid);                    ///< it is a zombie
  void exited(pid_t pid, const Death& death);  ///< it was reaped
  /// Their answers are Unknown.
  void kill_all();

 private:
  struct Run {
    Run(ipc::uv::Loop& loop, std::function<void()> on_limit, std::function<void()> on_output,
        Launcher::LaunchedProbe launched);

    Launcher::LaunchedProbe process;
    std::string program;
    Duration limit{};
    bool is_late = false;     // The limit was met, perhaps only by the master's own fault.
    OnProbeAnswer on_answer;  // Null: it is answered.
    std::string output;       // Its end.
    ipc::uv::Timer timer;
    ipc::uv::Poll poll;
  };

  void on_limit(pid_t pid);
  static void read(Run& run);
  static void kill(pid_t pid, const Run& run);
  static void answer(Run& run, ProbeAnswer::Kind kind, std::string text);

  ipc::uv::Loop& loop_;
  const Launcher& launcher_;
  std::map<pid_t, Run> runs_;
};

}  // namespace reeve::supervisor
