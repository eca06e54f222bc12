#pragma once
// The fake operating system: processes with tempers, the messages that they leave for the master,
// and the one who judges canaries. Its time is real time: processes go on while the master is
// stalled, and their messages pile up. Knows nothing of the pool: it sees orders and answers with
// facts.

#include <cstdint>
#include <map>
#include <queue>
#include <vector>

#include "supervisor/core/action.hpp"
#include "supervisor/core/event.hpp"
#include "tests/sim/random_choice.hpp"

namespace reeve::supervisor::sim {

/// How nasty a world is: chances in percent.
struct FaultRates {
  int fork_fails = 3;
  int fork_storm = 0;  ///< of a failed fork: the next ones fail, too, for a while
  int exec_fails = 3;
  int never_ready = 5;
  int dies_starting = 10;
  int dies_serving = 40;
  int leaves = 10;  ///< announces its end by itself
  int asks_for_time = 8;
  int never_enough = 0;  ///< of asking for time: asks again and again
  int ignores_term = 10;
  int dies_draining = 10;
  int stuck_in_kernel = 3;  ///< dies late of SIGKILL
  int babbles = 15;         ///< says things twice, or when it is dead
  int hangs = 8;            ///< serves, falls silent and hears nothing any more
  int mute = 5;             ///< never gives a sign of life
  int bad_verdict = 40;     ///< on canaries
  int no_verdict = 15;
  int leaves_some = 15;  ///< of an end: what it has started lives on
};

/// The rates with which every worker starts, serves and obeys.
inline constexpr FaultRates kFair{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

class World {
 public:
  World(RandomChoice random, const FaultRates& rates) : random_(random), rates_(rates) {}

  /// Carries out an order of the master's to a process, or to the judge.
  void carry_out(const Action& action, TimePoint now, const PoolSpec& spec);
  /// Lets time pass and returns what the master would find in its mailbox, oldest first.
  [[nodiscard]] std::vector<Event> live_until(TimePoint now);
  /// When something happens next.
  [[nodiscard]] std::optional<TimePoint> next() const;
  /// What the master finds when it looks at this worker.
  [[nodiscard]] Measured measure(WorkerId id, TimePoint now);
  /// Whether this worker is well, and gives its signs of life in time.
  [[nodiscard]] bool beats(WorkerId id, TimePoint now) const;
  /// The machine sleeps: nobody does anything, and everything comes so much later.
  void suspend(Duration duration);
  /// From now on the rates are fair, also for the processes that are there already.
  void heal(TimePoint now);
  [[nodiscard]] bool empty() const { return alive_.empty(); }
  /// Whether it is a process, whatever the master knows of its end.
  [[nodiscard]] bool lives(WorkerId id) const { return alive_.contains(id); }
  /// Whether it was told to end, or has said that it will.
  [[nodiscard]] bool is_told(WorkerId id) const { return alive_.at(id).told; }
  [[nodiscard]] bool is_stuck(WorkerId id, TimePoint now) const { return alive_.at(id).hangs(now); }

 private:
  enum class What : std::uint8_t {
    ForkFails,
    Runs,  ///< exec has succeeded
    IsReady,
    Leaves,
    WantsTime,
    Ends,     ///< of itself
    Obeys,    ///< ends because it was told to
    Dies,     ///< of SIGKILL
    Babbles,  ///< says something that is not, or no longer, true
    Judges,   ///< not a worker: the canaries
  };
  struct Happening {
    TimePoint at;
    std::uint64_t lot;  ///< decides between those at the same time
    WorkerId worker;
    What what;
    CommandId command{};  ///< Judges
    bool good = false;    ///< Judges
    bool operator>(const Happening& other) const {
      return at != other.at ? at > other.at : lot > other.lot;
    }
  };
  struct Process {
    bool told = false;        ///< TERM came, or it said that it leaves
    bool killed = false;      ///< KILL came
    bool leaderless = false;  ///< only what it has started is left
    bool native = false;
    std::optional<TimePoint> serves_from;
    std::optional<TimePoint> hangs_from;
    std::optional<Duration> beat;  ///< between two signs of life; none: it gives none
    double requests_a_second = 0;
    double bytes_a_second = 0;

    [[nodiscard]] bool hangs(TimePoint now) const { return hangs_from && *hangs_from <= now; }
  };

  void born(WorkerId id, TimePoint now, const PoolSpec& spec);
  void told(WorkerId id, TimePoint now);
  void obey(WorkerId id, TimePoint now);
  void killed(WorkerId id, TimePoint now);
  [[nodiscard]] std::optional<TimePoint> last_beat(const Process& process, TimePoint now) const;
  void judge(CommandId command, bool in_time, TimePoint now);
  void plan(TimePoint at, WorkerId id, What what);
  [[nodiscard]] bool fork_fails(TimePoint now);
  void happen(const Happening& happening, std::vector<Event>& mail);
  [[nodiscard]] Event babble(WorkerId id);
  [[nodiscard]] Death some_death();

  RandomChoice random_;
  FaultRates rates_;
  std::map<WorkerId, Process> alive_;
  TimePoint storm_until_;  ///< no fork succeeds before
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> ahead_;
};

}  // namespace reeve::supervisor::sim
