#pragma once
// The life of one worker process, as a decision: which order the start, the drain and the teardown
// come in. Pure: it reads no clock, knows no loop, logs nothing; Process carries out what it
// returns.
//
//   Starting --Opened--> Serving --Drain--> Draining --Drained--> Closing --Closed--> Ended
//      |                    |                  |                     ^
//      |                    |                  +-- GraceSpent, Hurry +  (cancels what still runs)
//      |                    +-- Hurry -------------------------------+  (the same)
//      +-- OpenFailed, Drain*, Hurry --------------------------------+

#include <cstdint>
#include <vector>

namespace reeve::worker {

enum class LifeState : std::uint8_t { Starting, Serving, Draining, Closing, Ended };

enum class LifeEvent : std::uint8_t {
  Opened,        ///< every required resource is open, the listeners accept
  OpenFailed,    ///< the start failed
  DrainPatient,  ///< stop; a successor is serving
  DrainPrompt,   ///< stop; the pool stops
  Hurry,         ///< end without waiting for requests
  Drained,       ///< no connection is left
  GraceSpent,    ///< the grace has passed but for the teardown's reserve
  Closed,        ///< no resource is left
};

enum class LifeAction : std::uint8_t {
  AnnounceReady,
  CancelOpening,
  ArmGrace,  ///< GraceSpent is due after the grace, less the teardown's reserve
  DrainPatiently,
  DrainPromptly,
  CancelRequests,
  CloseResources,
  Exit,
};

class Life {
 public:
  /// Takes one event and returns what to do, in order. An event that a state does not expect
  /// changes nothing: signals repeat, and timers fire late.
  [[nodiscard]] std::vector<LifeAction> on(LifeEvent event);

  [[nodiscard]] LifeState state() const { return state_; }

 private:
  std::vector<LifeAction> enter(LifeState next, std::vector<LifeAction> actions);
  std::vector<LifeAction> cancel();

  LifeState state_ = LifeState::Starting;
};

}  // namespace reeve::worker
