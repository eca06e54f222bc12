#include "tests/sim/life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervisor/core/pool.hpp"
#include "tests/sim/operator.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/witness.hpp"
#include "tests/sim/world.hpp"

namespace reeve::supervisor::sim {
namespace {

using namespace std::chrono_literals;

Climate random_climate(Dice& dice) {
  if (dice.percent(15)) return kFair;
  Climate climate;
  if (dice.percent(20)) climate.dies_starting = climate.never_ready = 50;
  if (dice.percent(20)) climate.ignores_term = 70;
  if (dice.percent(20)) climate.dies_serving = 0;
  return climate;
}

class Life {
 public:
  Life(std::uint64_t seed, bool aloud)
      : dice_(seed),
        deployed_(random_spec(dice_)),
        pool_(deployed_, static_cast<std::uint32_t>(dice_.next()), now_),
        witness_(pool_),
        world_(Dice(dice_.next()), random_climate(dice_)),
        operator_(Dice(dice_.next())),
        stalls_(dice_.percent(30) ? 4 : 0),
        trace_(now_, aloud) {}

  Verdict live() {
    Verdict verdict;
    const TimePoint birth = now_;
    try {
      chaos(dice_.between(20, 150));
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
  void step(const Event& event);
  void command(const Event& event, const char* what_for);
  void expect(bool condition, const char* invariant) const {
    if (!condition) throw Broken(invariant);
  }

  TimePoint now_{1h};
  Dice dice_;
  PoolSpec deployed_;
  Pool pool_;
  Witness witness_;
  World world_;
  Operator operator_;
  int stalls_;  // Chance of a stall in a turn, in percent.
  Trace trace_;
  int steps_ = 0;
};

/// Tells the pool one fact and carries out at once what it orders.
void Life::step(const Event& event) {
  ++steps_;
  trace_.add(now_, to_line(event));
  witness_.before(event, now_);
  const Actions actions = pool_.on(event, now_);
  for (const Action& action : actions) trace_.add(now_, to_line(action));
  trace_.add(now_, to_line(pool_));
  witness_.after(event, actions, now_);
  for (const Action& action : actions) {
    const auto* fork = std::get_if<Fork>(&action);
    PoolSpec spec = pool_.spec();
    if (fork != nullptr) spec.ready_after = pool_.find(fork->worker)->ready_after;
    world_.carry_out(action, now_, spec);
  }
}

/// One turn of the master's loop: sleeps until something is due, then tells the pool all of it in
/// any order. False when nothing will ever happen again by itself.
bool Life::turn(std::optional<TimePoint> until, Duration late) {
  std::optional<TimePoint> next = until;
  for (const auto& due : {pool_.next_deadline(), world_.next()}) {
    if (due && (!next || *due < *next)) next = due;
  }
  if (!next) return false;
  now_ = std::max(now_, *next) + late;
  std::vector<Event> mail = world_.live_until(now_);
  if (const auto deadline = pool_.next_deadline(); deadline && *deadline <= now_)
    mail.emplace_back(Tick{});
  dice_.shuffle(mail);
  for (const Event& event : mail) step(event);
  return true;
}

void Life::chaos(int turns) {
  TimePoint command_at = now_;
  step(operator_.start_all());
  for (int i = 0; i < turns; ++i) {
    const bool stalls = dice_.percent(stalls_);
    const Duration late = stalls              ? dice_.between(1s, 100s)
                          : dice_.percent(20) ? dice_.between(0ms, 40ms)
                                              : 0ms;
    turn(command_at, late);
    if (dice_.percent(3)) step(Tick{});  // Too early: changes nothing.
    if (command_at > now_) continue;
    step(operator_.some_command(static_cast<int>(pool_.slots().size())));
    command_at = now_ + (dice_.percent(40) ? dice_.between(0ms, 300ms) : dice_.between(0ms, 60s));
  }
}

/// Lets a good world run until nothing is due any more. In it every drain, start and pause comes to
/// an end, so a pool that is still busy after this many turns spins or waits for ever.
void Life::settle(const char* what_for) {
  constexpr int kTurns = 2000;
  int turns = 0;
  while (turn(std::nullopt, 0ms)) {
    if (++turns > kTurns) throw Broken(fmt::format("the pool comes to rest after {}", what_for));
  }
  if (!witness_.all_answered())
    throw Broken(fmt::format("every command is answered, at last after {}", what_for));
  expect(!pool_.rolling(), "a roll ends");
  for (const Slot& slot : pool_.slots()) {
    switch (slot.state) {
      case SlotState::Running:
      case SlotState::Stopped:
      case SlotState::Exited:
      case SlotState::Fatal:
        break;
      case SlotState::Starting:
      case SlotState::Stopping:
      case SlotState::Backoff:
        throw Broken(fmt::format("no slot stays {}", to_string(slot.state)));
    }
  }
  for (const auto& [id, worker] : pool_.workers()) {
    expect(worker.phase == WorkerPhase::Serving, "no worker drains for ever");
  }
}

void Life::command(const Event& event, const char* what_for) {
  step(event);
  settle(what_for);
}

void Life::turn_good() {
  trace_.add(now_, "--- the world turns good");
  world_.heal(now_);
  settle("the storm");
  const auto all_run = [this] {
    return std::ranges::all_of(pool_.slots(),
                               [](const Slot& slot) { return slot.state == SlotState::Running; });
  };
  command(operator_.start_all(), "a start");
  expect(all_run(), "every slot runs after a start in a good world");

  const Generation old = pool_.generation();
  PoolSpec next = random_spec(dice_);
  command(operator_.roll_all(next), "a roll");
  expect(pool_.spec() == next && pool_.generation() > old, "a roll in a good world deploys");
  command(operator_.start_all(), "a start");
  expect(all_run(), "every slot runs after a roll in a good world");
}

void Life::stop() {
  command(operator_.stop_all(), "a stop");
  expect(pool_.quiet(), "a stopped pool is quiet");
  expect(world_.empty() && witness_.nobody_left(), "a stop leaves no process");
}

}  // namespace

Verdict live(std::uint64_t seed, bool aloud) { return Life(seed, aloud).live(); }

}  // namespace reeve::supervisor::sim
