#pragma once
// The fake operating system: processes with tempers, and the messages that they leave for the
// master. Its time is real time: processes go on while the master is stalled, and their messages
// pile up. Refuses to know the pool: it sees orders and answers with facts.

#include <cstdint>
#include <map>
#include <queue>
#include <vector>

#include "supervisor/core/action.hpp"
#include "supervisor/core/event.hpp"
#include "tests/sim/dice.hpp"

namespace reeve::supervisor::sim {

/// How nasty a world is: chances in percent.
struct Climate {
  int fork_fails = 3;
  int exec_fails = 3;
  int never_ready = 5;
  int dies_starting = 10;
  int dies_serving = 40;
  int leaves = 10;  ///< announces its end by itself
  int asks_for_time = 8;
  int ignores_term = 10;
  int dies_draining = 10;
  int stuck_in_kernel = 3;  ///< dies late of SIGKILL
  int babbles = 15;         ///< says things twice, or when it is dead
};

/// The climate in which every worker starts, serves and obeys.
inline constexpr Climate kFair{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

class World {
 public:
  World(Dice dice, const Climate& climate) : dice_(dice), climate_(climate) {}

  /// Carries out an order of the master's. Anything but Fork, Drain and Kill is no order to a
  /// process.
  void carry_out(const Action& action, TimePoint now, const PoolSpec& spec);
  /// Lets time pass and returns what the master would find in its mailbox, oldest first.
  [[nodiscard]] std::vector<Event> live_until(TimePoint now);
  /// When something happens next.
  [[nodiscard]] std::optional<TimePoint> next() const;
  /// From now on the climate is fair, also for the processes that are there already.
  void heal(TimePoint now);
  [[nodiscard]] bool empty() const { return alive_.empty(); }

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
  };
  struct Happening {
    TimePoint at;
    std::uint64_t lot;  ///< decides between those at the same time
    WorkerId worker;
    What what;
    bool operator>(const Happening& other) const {
      return at != other.at ? at > other.at : lot > other.lot;
    }
  };
  struct Process {
    bool told = false;    ///< TERM came
    bool killed = false;  ///< KILL came
  };

  void born(WorkerId id, TimePoint now, const PoolSpec& spec);
  void told(WorkerId id, TimePoint now);
  void killed(WorkerId id, TimePoint now);
  void plan(TimePoint at, WorkerId id, What what);
  void happen(const Happening& happening, std::vector<Event>& mail);
  [[nodiscard]] Event babble(WorkerId id);
  [[nodiscard]] Death some_death();

  Dice dice_;
  Climate climate_;
  std::map<WorkerId, Process> alive_;
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> ahead_;
};

}  // namespace reeve::supervisor::sim
