#pragma once
// How workers of one pool ended: those that are being killed, what is found out about each that
// died, and what is kept of it for verdicts and `reevectl why`, in a bounded amount of memory.
// Decides no kill, and no restart. Loop thread.

#include <sys/types.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/format/fields.hpp"
#include "supervisor/core/pool.hpp"
#include "supervisor/log/log.hpp"
#include "supervisor/postmortem/death_report.hpp"
#include "supervisor/postmortem/kills.hpp"
#include "supervisor/process/process.hpp"

namespace reeve::supervisor {

class Deaths {
 public:
  /// The deaths in one slot that nobody had asked for.
  struct Unasked {
    int restarts = 0;  ///< that followed, since an operator has started it
    TimePoint at;      ///< the last one
    std::string cause;
    std::string last_line;
  };
  struct State {
    /// What `reevectl why` tells of the last death in a slot.
    struct Report {
      int slot = 0;
      std::vector<std::string> summary;
      std::vector<std::string> main;
      std::vector<std::string> details;
    };
    std::vector<Report> reports;  ///< the last one is last
    std::map<int, Death> last;    ///< of each slot: how it ended
    std::map<int, Unasked> unasked;
  };

  Deaths(ipc::uv::Loop& loop, Log& log) : log_(log), kills_(loop, log) {}
  Deaths(ipc::uv::Loop& loop, Log& log, const State& state);
  /// Kills that are under way are not part of it.
  [[nodiscard]] State state() const;

  [[nodiscard]] Kills& kills() { return kills_; }
  [[nodiscard]] const Kills& kills() const { return kills_; }

  /// All that is known of a worker, called `name`, that was reaped. A kill that may have led to it
  /// ends here. `worker` is nullptr when the core has forgotten it.
  [[nodiscard]] DeathFacts facts_of(const Process& process, std::string name, pid_t pid,
                                    const Death& death, const Worker* worker, TimePoint now);
  /// An end that nobody asked for, or that came otherwise than asked for: with `stop_signal`.
  [[nodiscard]] static bool is_worth_a_report(const DeathFacts& facts, const Death& death,
                                              int stop_signal);
  /// Keeps how it ended, and its last lines for a verdict to come.
  void remember(const Process& process, const Death& death);
  /// Keeps an end that nobody asked for; `is_followed`: by another worker.
  void note_unasked(int slot, const DeathFacts& facts, bool is_followed, TimePoint now);
  /// An operator starts it.
  void forget_restarts(int slot);
  /// nullptr: there was none.
  [[nodiscard]] const Unasked* unasked(int slot) const;
  /// Logs what the facts have beside their cause, and keeps the report. `answers_why`: it has a
  /// name that `reevectl why` finds.
  void report(const DeathFacts& facts, int slot, bool answers_why);

  // One death may cause several changes of its slot: Stopping -> Stopped -> Starting. Only the
  // first is about it, and names it in the log.
  void begin_telling(pid_t pid) { untold_ = pid; }
  [[nodiscard]] std::optional<pid_t> untold() const { return untold_; }
  void told() { untold_.reset(); }

  /// Of a worker that has died; empty when it did so long ago.
  [[nodiscard]] std::vector<std::string> last_lines(WorkerId worker) const;
  [[nodiscard]] std::optional<Death> last(int slot) const;
  [[nodiscard]] const DeathReports& reports() const { return reports_; }

 private:
  struct LastLines {
    WorkerId worker;
    std::vector<std::string> lines;
  };

  Log& log_;
  Kills kills_;
  DeathReports reports_;
  std::map<int, Death> last_;
  std::map<int, Unasked> unasked_;
  std::deque<LastLines> last_lines_;  // Until a verdict needs them.
  std::optional<pid_t> untold_;       // Whose exit is being told to the core.
};
REEVE_FIELDS(Deaths::State::Report, slot, summary, main, details)
REEVE_FIELDS(Deaths::Unasked, restarts, at, cause, last_line)

}  // namespace reeve::supervisor
