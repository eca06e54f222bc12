// A pool that another master takes over goes on as if nothing had happened: two pools live the same
// random life, and one of them is handed over whenever it can be.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

std::string text(const Action& action) {
  struct Text {
    std::string operator()(const Fork& a) const {
      return fmt::format("fork {} {} {}", std::to_underlying(a.worker), a.slot,
                         std::to_underlying(a.generation));
    }
    std::string operator()(const Drain& a) const {
      return fmt::format("drain {} {}", std::to_underlying(a.worker), std::to_underlying(a.kind));
    }
    std::string operator()(const TellToReload& a) const {
      return fmt::format("reload {}", std::to_underlying(a.worker));
    }
    std::string operator()(const Kill& a) const {
      return fmt::format("kill {} {}", std::to_underlying(a.worker), to_string(a.reason));
    }
    std::string operator()(const Changed& a) const {
      return fmt::format("slot {} {} {} {}", a.slot, to_string(a.from), to_string(a.to), a.why);
    }
    std::string operator()(const Replaced& a) const {
      return fmt::format("replaced {} {}", std::to_underlying(a.command), a.slot);
    }
    std::string operator()(const Finished& a) const {
      std::string all = fmt::format("finished {}", std::to_underlying(a.command));
      for (const SlotVerdict& verdict : a.verdicts) {
        all += fmt::format(" [{} {} {}]", verdict.slot.value_or(-1),
                           std::to_underlying(verdict.outcome), verdict.text);
      }
      return all;
    }
    std::string operator()(const Watch& a) const {
      return fmt::format("watch {} {}", std::to_underlying(a.command), a.canaries.size());
    }
    std::string operator()(const Judge& a) const {
      return fmt::format("judge {}", std::to_underlying(a.command));
    }
  };
  return std::visit(Text{}, action);
}

TimePoint next_millisecond(TimePoint at) {
  return std::chrono::ceil<std::chrono::milliseconds>(at);
}

/// Random, but alike in both pools although their random numbers are not: every back-off is a few
/// nanoseconds, which this life, in steps of a millisecond, does not see.
class TwoPools {
 public:
  explicit TwoPools(std::uint32_t seed)
      : random_(seed), stays_(some_spec(), seed, now_), moves_(stays_.spec(), seed, now_) {}

  void live(int steps) {
    tell(StartRequested{next_command(), {}});
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      hand_over();
      something_happens();
    }
    come_to_an_end();
  }
  [[nodiscard]] int handovers() const { return handovers_; }

 private:
  int roll(int most) { return std::uniform_int_distribution(0, most)(random_); }
  bool percent(int chance) { return roll(99) < chance; }
  CommandId next_command() {
    asked_.insert(CommandId{++commands_});
    return CommandId{commands_};
  }

  PoolSpec some_spec() {
    PoolSpec spec = spec_of(roll(4) + 1);
    spec.backoff_first = 4ns;
    spec.backoff_max = 5ns;
    spec.give_up_failures = 2 + roll(6);
    spec.restart = percent(70) ? RestartRule::Always : RestartRule::OnFailure;
    if (percent(30)) spec.ready_after = std::chrono::milliseconds(roll(400));
    spec.max_unavailable = percent(40) ? roll(2) : 0;
    spec.surge = spec.max_unavailable > 0 ? roll(2) : 1 + roll(2);
    if (percent(30)) spec.max_draining = 1 + roll(3);
    if (percent(40)) spec.soak = std::chrono::milliseconds(roll(5000));
    if (percent(30)) spec.on_failure = RollFailure::Pause;
    if (percent(50)) spec.watchdog = std::chrono::milliseconds(100 + roll(10000));
    spec.recycle.jitter = 0;
    if (percent(30)) spec.recycle.requests = 100;
    if (percent(30)) spec.recycle.memory_bytes = 1000;
    if (percent(30)) spec.recycle.age = std::chrono::milliseconds(1000 + roll(20000));
    return spec;
  }
  SlotSet some_slots() {
    SlotSet some;
    if (percent(50)) return some;
    for (const Slot& slot : stays_.slots()) {
      if (percent(40)) some.insert(slot.index);
    }
    return some;
  }
  Event some_command() {
    switch (roll(9)) {
      case 0:
        return StopRequested{next_command(), some_slots()};
      case 1:
        return HardRestartRequested{next_command(), some_slots()};
      case 2:
        return ScaleRequested{next_command(), roll(5)};
      case 3:
        return GraceEnded{};
      case 4:
      case 5:
        return StartRequested{next_command(), some_slots()};
      default: {
        RollRequested roll_request{next_command(), some_slots(), {}};
        if (percent(50)) roll_request.spec = some_spec();
        if (percent(40)) roll_request.canary = Canary{1 + roll(3), roll(5) * 1s};
        rolling_ = roll_request.command;
        if (roll_request.canary) most_canaries_ = std::max(most_canaries_, 4);
        return roll_request;
      }
    }
  }
  Event some_fact(WorkerId worker) {
    switch (roll(11)) {
      case 0:
        return Exited{worker, kCrash};
      case 1:
        return Exited{worker, kClean};
      case 2:
        return Leaving{worker};
      case 3:
        return Extended{worker, 1s * roll(5)};
      case 4:
        return Judged{rolling_, percent(70), "figures"};
      case 5:
      case 6:
        return Started{worker};
      default:
        return Ready{worker};
    }
  }
  void something_happens() {
    const auto& workers = stays_.workers();
    if (percent(10)) return tell(some_command());
    if (workers.empty() || percent(40)) return time_passes(percent(3) && !in_back_off() ? 10s : 0s);
    auto one = workers.begin();
    std::advance(one, roll(static_cast<int>(workers.size()) - 1));
    const Worker& worker = one->second;
    const bool leaves =
        worker.phase == WorkerPhase::Draining || worker.phase == WorkerPhase::Killed;
    if (leaves && percent(70)) return tell(Exited{worker.id, kClean});
    tell(some_fact(worker.id));
  }

  /// A stall of the master would make nanoseconds visible.
  [[nodiscard]] bool in_back_off() const {
    return std::ranges::any_of(stays_.slots(),
                               [](const Slot& slot) { return slot.retry_at.has_value(); });
  }
  /// The next deadline, or a little time before it.
  void time_passes(Duration late) {
    const auto due = stays_.next_deadline();
    if (!due || percent(30)) {
      now_ += std::chrono::milliseconds(1 + roll(300));
      if (!due || now_ < *due) return;
    }
    now_ = std::max(now_, next_millisecond(*due)) + late;
    if (stays_.next_measurement() && *stays_.next_measurement() <= now_) measure();
    tell(Tick{});
  }
  void measure() {
    std::vector<Measured> found;
    for (const auto& [id, worker] : stays_.workers()) {
      found.push_back({.worker = id, .native = percent(70)});
      if (percent(80)) found.back().sign_of_life = now_ - std::chrono::milliseconds(roll(9000));
      found.back().requests = static_cast<std::uint64_t>(roll(120));
      found.back().memory_bytes = static_cast<std::uint64_t>(roll(1200));
    }
    for (const Measured& one : found) tell(one);
  }

  void hand_over() {
    auto state = moves_.state();
    if (!state || percent(50)) return;
    ++handovers_;
    moves_ = Pool(std::move(*state), 77, now_);
  }

  void tell(const Event& event) {
    const std::vector<std::string> here = take(stays_.on(event, now_));
    std::vector<std::string> there;
    for (const Action& action : moves_.on(event, now_)) there.push_back(text(action));
    ASSERT_EQ(here, there);
    const auto at = [](const std::optional<TimePoint>& time) {
      return time ? std::optional(next_millisecond(*time)) : std::nullopt;
    };
    ASSERT_EQ(at(stays_.next_deadline()), at(moves_.next_deadline()));
    ASSERT_EQ(stays_.next_measurement(), moves_.next_measurement());
    check_counts();
  }
  std::vector<std::string> take(const Actions& actions) {
    std::vector<std::string> texts;
    for (const Action& action : actions) {
      texts.push_back(text(action));
      if (const auto* finished = std::get_if<Finished>(&action)) {
        EXPECT_EQ(asked_.erase(finished->command), 1U) << "a command is answered once";
      }
    }
    return texts;
  }
  void check_counts() {
    int active = 0;
    for (const auto& [id, worker] : stays_.workers()) {
      active += worker.phase == WorkerPhase::Starting || worker.phase == WorkerPhase::Serving;
    }
    const int surge =
        std::max({1, stays_.rolling_spec().surge, stays_.rolling() ? most_canaries_ : 0});
    ASSERT_LE(active, stays_.spec().workers + surge);
    for (const Slot& slot : stays_.slots()) {
      ASSERT_FALSE(slot.state == SlotState::Starting && !slot.current) << "nobody forgets to fork";
    }
  }

  /// Everybody does what he should: then every command is answered, and a stop ends it all.
  void come_to_an_end() {
    behave();
    EXPECT_TRUE(asked_.empty()) << "a command waits for ever";
    EXPECT_FALSE(stays_.rolling());
    tell(StopRequested{next_command(), {}});
    behave();
    EXPECT_TRUE(stays_.quiet());
    EXPECT_TRUE(asked_.empty());
    EXPECT_EQ(stays_.next_deadline(), std::nullopt);
  }
  void behave() {
    for (int turn = 0; turn < 200 && !testing::Test::HasFailure(); ++turn) {
      std::vector<Event> facts;
      for (const auto& [id, worker] : stays_.workers()) {
        if (worker.phase == WorkerPhase::Starting) facts.emplace_back(Ready{id});
        if (worker.phase == WorkerPhase::Draining || worker.phase == WorkerPhase::Killed)
          facts.emplace_back(Exited{id, kClean});
      }
      for (const Event& fact : facts) tell(fact);
      if (stays_.rolling()) tell(Judged{rolling_, true, ""});
      const bool at_rest = facts.empty() && asked_.empty() && !stays_.rolling();
      if (at_rest) return;
      if (const auto due = stays_.next_deadline()) {
        now_ = std::max(now_, next_millisecond(*due));
        std::vector<WorkerId> alive;
        for (const auto& [id, worker] : stays_.workers()) alive.push_back(id);
        for (const WorkerId id : alive) tell(Measured{.worker = id, .sign_of_life = now_});
        tell(Tick{});
      }
    }
  }

  std::mt19937 random_;
  TimePoint now_{1h};
  Pool stays_;
  Pool moves_;
  std::set<CommandId> asked_;
  CommandId rolling_{};
  std::uint64_t commands_ = 0;
  int most_canaries_ = 0;
  int handovers_ = 0;
};

TEST(Handover, ChangesNothing) {
  int handovers = 0;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    TwoPools pools(seed);
    pools.live(300);
    handovers += pools.handovers();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(handovers, 1000);
}

TEST(Handover, WaitsForTheEndOfACommand) {
  PoolDriver web(spec_of(1));
  EXPECT_TRUE(web.pool().state());
  web.start();
  EXPECT_FALSE(web.pool().state());
  web.ready_all();
  EXPECT_TRUE(web.pool().state());
  web.roll();
  EXPECT_FALSE(web.pool().state());
}

TEST(Handover, TimeThatPassedMeanwhileIsTheMastersOwn) {
  PoolSpec spec = spec_of(2);
  spec.watchdog = 10s;
  PoolDriver web(spec);
  web.serve();
  web.scale(1);  // One drains.
  const TimePoint silent_since = web.now();
  Pool heir(web.pool().state().value(), 1, web.now() + 1min);
  const TimePoint now = web.now() + 1min;
  const WorkerId worker = web.current(0);
  for (const Event& event : std::vector<Event>{
           Measured{.worker = worker, .sign_of_life = silent_since, .native = true}, Tick{}}) {
    for (const Action& action : heir.on(event, now)) {
      EXPECT_FALSE(std::holds_alternative<Kill>(action)) << text(action);
    }
  }
  EXPECT_GT(heir.next_deadline(), now);
}

}  // namespace
}  // namespace reeve::supervisor
