// Two tables: every phase of a worker with every fact, every state of a slot with every request.
// What is not ordinary here is a bug; what is ordinary but late changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/unit/supervisor/core/pool_driver.hpp"

namespace reeve::supervisor {
namespace {

using Phase = WorkerPhase;
using State = SlotState;

// --- a worker and the facts about it
// --------------------------------------------------------------

/// A pool of one whose first worker is in this phase; none: gone, its slot stopped.
struct OneWorker {
  explicit OneWorker(std::optional<Phase> phase) : web(watched()) {
    web.start();
    worker = web.current(0);
    if (phase == Phase::Starting) return;
    web.ready(worker);
    if (phase == Phase::Serving) return;
    web.stop();
    if (phase == Phase::Draining) return;
    web.end_grace();
    if (phase == Phase::Killed) return;
    web.exited(worker, Death{.signal = 9});
  }
  static PoolSpec watched() {
    PoolSpec spec = spec_of(1);
    spec.watchdog = 2s;
    return spec;
  }
  PoolDriver web;
  WorkerId worker{};
};

struct Fact {
  std::string name;
  std::function<void(PoolDriver&, WorkerId)> happens;
};

const Fact kForkFailed{"ForkFailed", [](PoolDriver& web, WorkerId w) { web.fork_failed(w); }};
const Fact kStarted{"Started", [](PoolDriver& web, WorkerId w) { web.started(w); }};
const Fact kReady{"Ready", [](PoolDriver& web, WorkerId w) { web.ready(w); }};
const Fact kLeaving{"Leaving", [](PoolDriver& web, WorkerId w) { web.leaving(w); }};
const Fact kExtended{"Extended", [](PoolDriver& web, WorkerId w) { web.extended(w, 20s); }};
const Fact kExited{"Exited", [](PoolDriver& web, WorkerId w) { web.exited(w, kCrash); }};
const Fact kLeaderEnded{"LeaderEnded",
                        [](PoolDriver& web, WorkerId w) { web.leader_ended(w, kCrash); }};
const Fact kMeasured{"Measured", [](PoolDriver& web, WorkerId w) {
                       web.measured({.worker = w, .sign_of_life = web.now(), .native = true});
                     }};
const Fact kSilence{"silence", [](PoolDriver& web, WorkerId w) {
                      web.falls_silent(w);
                      web.pass(3s);  // Longer than the watchdog, shorter than the deadlines.
                    }};
const Fact kHung{"Hung", [](PoolDriver& web, WorkerId w) { web.hung(w); }};
const Fact kDeadline{"its deadline", [](PoolDriver& web, WorkerId) { web.pass(10s); }};

struct FactRow {
  std::optional<Phase> from;
  const Fact& fact;
  std::optional<Phase> to;
  State slot;
  bool silent;  ///< orders nothing
};

TEST(EveryPair, OfAWorkersPhaseAndAFact) {
  const std::optional<Phase> gone;
  const std::vector<FactRow> table = {
      {Phase::Starting, kForkFailed, gone, State::Backoff, false},
      {Phase::Starting, kStarted, Phase::Starting, State::Starting, true},
      {Phase::Starting, kReady, Phase::Serving, State::Running, false},
      {Phase::Starting, kLeaving, Phase::Starting, State::Starting, true},
      {Phase::Starting, kExtended, Phase::Starting, State::Starting, true},
      {Phase::Starting, kExited, gone, State::Backoff, false},
      {Phase::Starting, kLeaderEnded, Phase::Draining, State::Backoff, false},
      {Phase::Starting, kDeadline, Phase::Killed, State::Starting, false},
      {Phase::Starting, kMeasured, Phase::Starting, State::Starting, true},
      {Phase::Starting, kSilence, Phase::Starting, State::Starting, true},
      {Phase::Starting, kHung, Phase::Starting, State::Starting, true},

      {Phase::Serving, kStarted, Phase::Serving, State::Running, true},
      {Phase::Serving, kReady, Phase::Serving, State::Running, true},
      // So early it is a failure, but the first one after being ready is followed at once.
      {Phase::Serving, kLeaving, Phase::Draining, State::Starting, false},
      {Phase::Serving, kExtended, Phase::Serving, State::Running, true},
      {Phase::Serving, kExited, gone, State::Starting, false},
      // The slot does not wait for what the worker has left.
      {Phase::Serving, kLeaderEnded, Phase::Draining, State::Starting, false},
      {Phase::Serving, kDeadline, Phase::Serving, State::Running, true},
      {Phase::Serving, kMeasured, Phase::Serving, State::Running, true},
      {Phase::Serving, kSilence, Phase::Killed, State::Running, false},
      {Phase::Serving, kHung, Phase::Killed, State::Running, false},

      {Phase::Draining, kStarted, Phase::Draining, State::Stopping, true},
      {Phase::Draining, kReady, Phase::Draining, State::Stopping, true},
      {Phase::Draining, kLeaving, Phase::Draining, State::Stopping, true},
      {Phase::Draining, kExtended, Phase::Draining, State::Stopping, true},
      {Phase::Draining, kExited, gone, State::Stopped, false},
      {Phase::Draining, kLeaderEnded, Phase::Draining, State::Stopping, true},
      {Phase::Draining, kDeadline, Phase::Killed, State::Stopping, false},
      {Phase::Draining, kMeasured, Phase::Draining, State::Stopping, true},
      {Phase::Draining, kSilence, Phase::Killed, State::Stopping, false},
      {Phase::Draining, kHung, Phase::Draining, State::Stopping, true},

      {Phase::Killed, kStarted, Phase::Killed, State::Stopping, true},
      {Phase::Killed, kReady, Phase::Killed, State::Stopping, true},
      {Phase::Killed, kLeaving, Phase::Killed, State::Stopping, true},
      {Phase::Killed, kExtended, Phase::Killed, State::Stopping, true},
      {Phase::Killed, kExited, gone, State::Stopped, false},
      {Phase::Killed, kLeaderEnded, Phase::Killed, State::Stopping, true},
      {Phase::Killed, kDeadline, Phase::Killed, State::Stopping, true},
      {Phase::Killed, kMeasured, Phase::Killed, State::Stopping, true},
      {Phase::Killed, kSilence, Phase::Killed, State::Stopping, true},
      {Phase::Killed, kHung, Phase::Killed, State::Stopping, true},

      {gone, kForkFailed, gone, State::Stopped, true},
      {gone, kStarted, gone, State::Stopped, true},
      {gone, kReady, gone, State::Stopped, true},
      {gone, kLeaving, gone, State::Stopped, true},
      {gone, kExtended, gone, State::Stopped, true},
      {gone, kExited, gone, State::Stopped, true},
      {gone, kLeaderEnded, gone, State::Stopped, true},
      {gone, kDeadline, gone, State::Stopped, true},
      {gone, kMeasured, gone, State::Stopped, true},
      {gone, kSilence, gone, State::Stopped, true},
      {gone, kHung, gone, State::Stopped, true},
  };
  for (const FactRow& row : table) {
    SCOPED_TRACE(std::string(row.from ? to_string(*row.from) : "gone") + ", " + row.fact.name);
    OneWorker one(row.from);
    row.fact.happens(one.web, one.worker);
    EXPECT_EQ(one.web.phase(one.worker), row.to);
    EXPECT_EQ(one.web.state(0), row.slot);
    EXPECT_EQ(one.web.ordered_nothing(), row.silent);
  }
}

// --- a slot and what is asked of it
// ---------------------------------------------------------------

/// A pool of one whose slot is in this state.
PoolDriver pool_in(State state) {
  PoolSpec spec = spec_of(1);
  if (state == State::Exited) spec.restart = RestartRule::Never;
  if (state == State::Fatal) spec.give_up_failures = 1;
  PoolDriver web(spec);
  if (state == State::Stopped) return web;
  web.start();
  switch (state) {
    case State::Stopped:
    case State::Starting:
      break;
    case State::Running:
      web.ready_all();
      break;
    case State::Stopping:
      web.ready_all();
      web.stop();
      break;
    case State::Backoff:
    case State::Exited:
    case State::Fatal:
      web.exited(web.current(0), kCrash);
      break;
  }
  return web;
}

struct Request {
  std::string name;
  std::function<CommandId(PoolDriver&)> ask;
};

const Request kStart{"start", [](PoolDriver& web) { return web.start(); }};
const Request kStop{"stop", [](PoolDriver& web) { return web.stop(); }};
const Request kHardRestart{"hard restart", [](PoolDriver& web) { return web.hard_restart(); }};
const Request kRoll{"roll", [](PoolDriver& web) { return web.roll(); }};
const Request kScaleAway{"scale away", [](PoolDriver& web) { return web.scale(0); }};

struct RequestRow {
  State from;
  const Request& request;
  std::optional<State> to;         ///< none: the slot is gone
  std::optional<Outcome> at_once;  ///< none: answered later
  Outcome in_the_end;
};

TEST(EveryPair, OfASlotsStateAndARequest) {
  using enum Outcome;
  const std::optional<Outcome> later;
  const std::optional<State> gone;
  const std::vector<RequestRow> table = {
      {State::Stopped, kStart, State::Starting, later, Started},
      {State::Starting, kStart, State::Starting, later, Started},
      {State::Running, kStart, State::Running, AlreadyStarted, AlreadyStarted},
      {State::Stopping, kStart, State::Stopping, later, Started},
      {State::Backoff, kStart, State::Starting, later, Started},
      {State::Exited, kStart, State::Starting, later, Started},
      {State::Fatal, kStart, State::Starting, later, Started},

      {State::Stopped, kStop, State::Stopped, NotRunning, NotRunning},
      {State::Starting, kStop, State::Stopping, later, Stopped},
      {State::Running, kStop, State::Stopping, later, Stopped},
      {State::Stopping, kStop, State::Stopping, later, Stopped},
      {State::Backoff, kStop, State::Stopped, Stopped, Stopped},
      {State::Exited, kStop, State::Exited, NotRunning, NotRunning},
      {State::Fatal, kStop, State::Fatal, NotRunning, NotRunning},

      {State::Stopped, kHardRestart, State::Starting, later, Restarted},
      {State::Starting, kHardRestart, State::Stopping, later, Restarted},
      {State::Running, kHardRestart, State::Stopping, later, Restarted},
      {State::Stopping, kHardRestart, State::Stopping, later, Restarted},
      {State::Backoff, kHardRestart, State::Starting, later, Restarted},
      {State::Exited, kHardRestart, State::Starting, later, Restarted},
      {State::Fatal, kHardRestart, State::Starting, later, Restarted},

      {State::Stopped, kRoll, State::Starting, later, Rolled},
      {State::Starting, kRoll, State::Starting, later, Rolled},
      {State::Running, kRoll, State::Running, later, Rolled},
      {State::Stopping, kRoll, State::Stopping, later, Rolled},
      {State::Backoff, kRoll, State::Starting, later, Rolled},
      {State::Exited, kRoll, State::Starting, later, Rolled},
      {State::Fatal, kRoll, State::Starting, later, Rolled},

      {State::Stopped, kScaleAway, gone, Scaled, Scaled},
      {State::Starting, kScaleAway, gone, Scaled, Scaled},
      {State::Running, kScaleAway, gone, Scaled, Scaled},
      {State::Stopping, kScaleAway, gone, Scaled, Scaled},
      {State::Backoff, kScaleAway, gone, Scaled, Scaled},
      {State::Exited, kScaleAway, gone, Scaled, Scaled},
      {State::Fatal, kScaleAway, gone, Scaled, Scaled},
  };
  for (const RequestRow& row : table) {
    SCOPED_TRACE(std::string(to_string(row.from)) + ", " + row.request.name);
    PoolDriver web = pool_in(row.from);
    ASSERT_EQ(web.state(0), row.from);
    const CommandId command = row.request.ask(web);
    if (row.to) {
      EXPECT_EQ(web.state(0), *row.to);
    } else {
      EXPECT_TRUE(web.pool().slots().empty());
    }
    EXPECT_EQ(web.outcome(command), row.at_once);
    web.settle();
    EXPECT_EQ(web.outcome(command), row.in_the_end);
  }
}

}  // namespace
}  // namespace reeve::supervisor
