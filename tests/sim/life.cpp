#include "tests/sim/life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/core/pool.hpp"
#include "tests/sim/invariant_checker.hpp"
#include "tests/sim/lease_life.hpp"
#include "tests/sim/operator.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/world.hpp"

namespace reeve::supervisor::sim {
namespace {

using namespace std::chrono_literals;

FaultRates random_rates(RandomChoice& random) {
  if (random.percent(15)) return kFair;
  FaultRates rates;
  if (random.percent(20)) rates.dies_starting = rates.never_ready = 50;
  if (random.percent(20)) rates.ignores_term = 70;
  if (random.percent(20)) rates.dies_serving = 0;
  if (random.percent(10)) rates.fork_fails = rates.fork_storm = 40;
  if (random.percent(10)) rates.asks_for_time = rates.never_enough = 95;
  if (random.percent(20)) rates.hangs = 40;
  return rates;
}

class Life {
 public:
  Life(std::uint64_t seed, Telling telling)
      : random_(seed),
        deployed_(random_spec(random_)),
        pool_(deployed_, static_cast<std::uint32_t>(random_.next()), now_),
        checker_(pool_),
        world_(RandomChoice(random_.next()), random_rates(random_)),
        operator_(RandomChoice(random_.next())),
        stalls_(random_.percent(30) ? 4 : 0),
        disorder_(random_.percent(30) ? 15 : 0),
        upgrades_(random_.percent(30) ? 10 : 0),
        trace_(now_, telling),
        lease_life_(RandomChoice(seed ^ kOtherSeed), pool_, world_, trace_) {}

  Verdict live() {
    Verdict verdict;
    const TimePoint birth = now_;
    try {
      chaos(random_.between(20, 150));
      turn_good();
      stop();
    } catch (const Broken& broken) {
      verdict.broken = broken.what();
    }
    verdict.steps = steps_;
    verdict.lived = now_ - birth;
    verdict.hash = trace_.hash();
    verdict.tail = trace_.tail();
    return verdict;
  }

 private:
  void chaos(int turns);
  void turn_good();
  void stop();
  void settle(const char* what_for);
  bool turn(std::optional<TimePoint> until, Duration late);
  void oversleep();
  void measure();
  void hand_over();
  void check_hung(const Event& event, const Action& action) const;
  [[nodiscard]] bool at_rest() const;
  [[nodiscard]] bool is_measured() const;
  void step(const Event& event);
  void command(const Event& event, const char* what_for);
  void expect(bool condition, const char* invariant) const {
    if (!condition) throw Broken(invariant);
  }

  /// The lease does not change what becomes of the pool.
  static constexpr std::uint64_t kOtherSeed = 0x6a6f6273;

  TimePoint now_{1h};
  RandomChoice random_;
  PoolSpec deployed_;
  Pool pool_;
  InvariantChecker checker_;
  World world_;
  Operator operator_;
  int stalls_;    // Chances in a turn, in percent: that the master is stalled,
  int disorder_;  // that a message comes in a later turn than its time,
  int upgrades_;  // that another master takes over.
  std::vector<Event> delayed_;
  Trace trace_;
  LeaseLife lease_life_;
  int steps_ = 0;
};

/// Tells the pool one fact and carries out at once what it orders.
void Life::step(const Event& event) {
  ++steps_;
  trace_.add(now_, [&] { return to_line(event); });
  checker_.before(event, now_);
  const Actions actions = pool_.on(event, now_);
  for (const Action& action : actions) trace_.add(now_, [&] { return to_line(action); });
  trace_.add(now_, [&] { return to_line(pool_); });
  checker_.after(event, actions, now_);
  for (const Action& action : actions) {
    check_hung(event, action);
    PoolSpec spec = pool_.spec();
    if (const auto* fork = std::get_if<Fork>(&action)) {
      const Worker* worker = pool_.find(fork->worker);
      spec.ready_after = worker->ready_after;
      spec.watchdog = worker->watchdog;
    }
    world_.carry_out(action, now_, spec);
  }
  lease_life_.settle(now_);
  expect(pool_.state().has_value() == (!pool_.rolling() && checker_.all_answered()),
         "a pool can be handed over while no command and no roll waits for its end");
}

/// Only the world knows who really hangs.
void Life::check_hung(const Event& event, const Action& action) const {
  if (std::holds_alternative<Hung>(event)) return;  // By its answers, however it beats.
  const auto* kill = std::get_if<Kill>(&action);
  if (kill == nullptr || kill->reason != KillReason::Hung) return;
  expect(!world_.beats(kill->worker, now_), "no worker that beats is killed as hung");
}

/// One turn of the master's loop: sleeps until something is due, then tells the pool all of it in
/// any order. False when nothing will ever happen again by itself.
bool Life::turn(std::optional<TimePoint> until, Duration late) {
  std::optional<TimePoint> next = until;
  for (const auto& due : {pool_.next_deadline(), world_.next()}) {
    if (due && (!next || *due < *next)) next = due;
  }
  if (!delayed_.empty()) next = std::min(next.value_or(now_), now_ + 1ms);
  if (!next) return false;
  now_ = std::max(now_, *next) + late;
  std::vector<Event> mail = std::exchange(delayed_, {});
  for (Event& event : world_.live_until(now_)) {
    (random_.percent(disorder_) ? delayed_ : mail).push_back(std::move(event));
  }
  const auto measure_at = pool_.next_measurement();
  const bool measurements = measure_at && *measure_at <= now_;
  const auto deadline = pool_.next_deadline();
  if (deadline && *deadline <= now_ && !measurements) mail.emplace_back(Tick{});
  random_.shuffle(mail);
  for (const Event& event : mail) step(event);
  if (measurements) measure();
  lease_life_.turn(now_);
  return true;
}

/// As the shell does it: what has come is read first, then everyone is looked at, then the Tick.
void Life::measure() {
  std::vector<WorkerId> everyone;
  for (const auto& [id, worker] : pool_.workers()) everyone.push_back(id);
  random_.shuffle(everyone);
  for (const WorkerId id : everyone) step(world_.measure(id, now_));
  step(Tick{});
}

/// The master was stopped while its workers went on; or all of the machine was.
void Life::oversleep() {
  const Duration by = random_.percent(80) ? random_.between(1s, 100s) : random_.between(1min, 48h);
  if (random_.percent(50)) {
    trace_.add(now_, [&] { return "--- the machine is suspended"; });
    world_.suspend(by);
  }
  turn(now_, by);
}

/// Another master goes on with what the old one wrote down.
void Life::hand_over() {
  auto state = pool_.state();
  if (!state) return;
  trace_.add(now_, [&] { return "--- another master takes over"; });
  const std::string before = to_line(pool_);
  const auto deadline = pool_.next_deadline();
  pool_ = Pool(std::move(*state), static_cast<std::uint32_t>(random_.next()), now_);
  expect(to_line(pool_) == before && pool_.next_deadline() == deadline,
         "a pool that is handed over stays as it is");
  lease_life_.hand_over();
}

void Life::chaos(int turns) {
  constexpr int kMostTurns = 500;  // Measurements are many, and most of them find nothing.
  TimePoint command_at = now_;
  step(operator_.start_all());
  for (int all = 0, i = 0; i < turns && all < kMostTurns; ++all) {
    const auto measure_at = pool_.next_measurement();
    if (!measure_at || pool_.next_deadline() != measure_at) ++i;
    if (random_.percent(stalls_)) oversleep();
    turn(command_at, random_.percent(20) ? random_.between(0ms, 40ms) : 0ms);
    if (random_.percent(3)) step(Tick{});  // Too early: changes nothing.
    if (random_.percent(upgrades_)) hand_over();
    if (command_at > now_) continue;
    step(operator_.some_command(static_cast<int>(pool_.slots().size())));
    command_at =
        now_ + (random_.percent(40) ? random_.between(0ms, 300ms) : random_.between(0ms, 60s));
  }
}

/// Nothing is under way. A pool that recycles is busy again and again, but not all of the time.
bool Life::at_rest() const {
  const bool recycles =
      pool_.spec().recycle.any() && std::ranges::any_of(pool_.slots(), [](const Slot& slot) {
        return slot.state == SlotState::Running;
      });
  return checker_.all_answered() && !pool_.rolling() && delayed_.empty() &&
         std::ranges::all_of(pool_.slots(),
                             [this](const Slot& slot) {
                               switch (slot.state) {
                                 case SlotState::Running:
                                 case SlotState::Stopped:
                                 case SlotState::Exited:
                                 case SlotState::Fatal:
                                   return !slot.successor || pool_.spec().recycle.any();
                                 case SlotState::Starting:
                                 case SlotState::Stopping:
                                 case SlotState::Backoff:
                                   break;
                               }
                               return false;
                             }) &&
         std::ranges::all_of(pool_.workers(), [recycles](const auto& entry) {
           return entry.second.phase == WorkerPhase::Serving || recycles;
         });
}

/// Whether somebody is looked after for ever: then something is always due.
bool Life::is_measured() const {
  return std::ranges::any_of(pool_.workers(), [](const auto& entry) {
    return entry.second.watchdog || entry.second.recycle.any();
  });
}

/// Lets a good world run until nothing is under way. In it every drain, start and pause comes to an
/// end, so a pool that is still busy after this time waits for ever, and one that is after so many
/// turns spins.
void Life::settle(const char* what_for) {
  constexpr int kTurns = 30'000;
  constexpr Duration kShortest = 1s;  // What the healed world has still on its way.
  constexpr Duration kLongest = 3h;   // A drain may have been extended to an hour.
  const TimePoint begin = now_;
  int turns = 0;
  const auto is_done = [&] { return is_measured() && now_ - begin >= kShortest && at_rest(); };
  while (!is_done() && turn(std::nullopt, 0ms)) {
    if (++turns > kTurns || now_ - begin > kLongest)
      throw Broken(fmt::format("the pool comes to rest after {}", what_for));
  }
  if (!checker_.all_answered())
    throw Broken(fmt::format("every command is answered, at last after {}", what_for));
  if (!at_rest()) throw Broken(fmt::format("nothing is forgotten half way after {}", what_for));
  lease_life_.come_right(now_);
}

void Life::command(const Event& event, const char* what_for) {
  step(event);
  settle(what_for);
}

void Life::turn_good() {
  trace_.add(now_, [&] { return "--- the world turns good"; });
  world_.heal(now_);
  disorder_ = 0;
  settle("the storm");
  const auto all_run = [this] {
    return std::ranges::all_of(pool_.slots(),
                               [](const Slot& slot) { return slot.state == SlotState::Running; });
  };
  command(operator_.start_all(), "a start");
  expect(all_run(), "every slot runs after a start in a good world");

  const Generation old = pool_.generation();
  PoolSpec next = random_spec(random_);
  command(operator_.roll_all(next), "a roll");
  expect(pool_.spec() == next && pool_.generation() > old, "a roll in a good world deploys");
  command(operator_.start_all(), "a start");
  expect(all_run(), "every slot runs after a roll in a good world");
}

void Life::stop() {
  command(operator_.stop_all(), "a stop");
  expect(pool_.quiet(), "a stopped pool is quiet");
  expect(world_.empty() && checker_.nobody_left(), "a stop leaves no process");
}

}  // namespace

Verdict live(std::uint64_t seed, Telling telling) { return Life(seed, telling).live(); }

}  // namespace reeve::supervisor::sim
