#pragma once
// The kills of one pool that are under way: each worker is examined first, then gets its signal,
// and SIGKILL when that was not enough. Whom to kill, and when, the core has decided. Loop thread.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/recorder/recorder.hpp"
#include "supervisor/core/action.hpp"
#include "supervisor/log/log.hpp"
#include "supervisor/postmortem/inspection.hpp"
#include "supervisor/process/process.hpp"

namespace reeve::supervisor {

/// The facts about a worker that has to be killed: why, since when, and what it was doing.
struct KillFacts {
  int pid = 0;
  KillReason reason{};
  Duration waited{};  ///< since it was started (StartTimeout), told to drain, or last gave a sign
  std::string why;    ///< what a probe has found, in place of both; empty: none has
  std::optional<ipc::RecorderReading> recorder;  ///< none: a foreign program
  std::string step;                              ///< of its lifespan, as it said last
  std::string status_text;
  std::string last_line;           ///< of its output
  std::vector<std::string> found;  ///< by looking at it: what matters
};

/// Pure. The first line says who and why, the following what is known of what it was doing.
[[nodiscard]] std::vector<std::string> kill_report(const KillFacts& facts);

class Kills {
 public:
  /// So long a worker may take to die, and to dump its core, of another signal than SIGKILL.
  static constexpr Duration kPatience = std::chrono::seconds(5);
  /// When many hang at once, as after a lost disk, the others are killed without a look.
  static constexpr std::size_t kMostAtOnce = 16;

  struct Order {
    std::string name;  ///< "web:0"
    KillReason reason{};
    Duration waited{};  ///< since it was started, told to drain, or last gave a sign of life
    std::string why;    ///< as KillFacts has it
    int signal = 0;     ///< SIGKILL, or what is tried before it
    std::function<void()> on_strike;  ///< it gets its signal; not called when it ends before
  };

  Kills(ipc::uv::Loop& loop, Log& log) : loop_(loop), log_(log) {}

  /// `process` must be alive, and forgotten here before it is destroyed.
  void begin(Process& process, Order order);
  /// Nobody waits any longer, for a report or for a core: SIGKILL to all.
  void hurry();
  /// The worker has died. Returns the findings; empty when it was not being killed.
  [[nodiscard]] Findings end(WorkerId worker);
  /// Some worker has not got its SIGKILL yet.
  [[nodiscard]] bool under_way() const;

 private:
  struct Kill {
    Process* process;
    pid_t pid = 0;  // For the report of one that was reaped already.
    Order order;
    std::optional<Inspection> inspection;
    Findings found;
    std::unique_ptr<ipc::uv::Timer> last_resort;
  };

  void strike(WorkerId worker);
  void write_report(Kill& kill);

  ipc::uv::Loop& loop_;
  Log& log_;
  std::map<WorkerId, Kill> kills_;
};

}  // namespace reeve::supervisor
