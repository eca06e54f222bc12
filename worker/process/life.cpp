#include "worker/process/life.hpp"

namespace reeve::worker {

std::vector<LifeAction> Life::on(LifeEvent event) {
  using enum LifeEvent;
  const bool stops = event == DrainPatient || event == DrainPrompt;
  const LifeAction drain =
      event == DrainPatient ? LifeAction::DrainPatiently : LifeAction::DrainPromptly;
  switch (state_) {
    case LifeState::Starting:
      if (event == Opened) return enter(LifeState::Serving, {LifeAction::AnnounceReady});
      if (event == OpenFailed) return enter(LifeState::Closing, {LifeAction::CloseResources});
      if (!stops && event != Hurry) return {};
      return enter(LifeState::Closing, {LifeAction::CancelOpening, LifeAction::CloseResources});
    case LifeState::Serving:
      if (stops) return enter(LifeState::Draining, {LifeAction::ArmGrace, drain});
      if (event == Hurry) return cancel();
      return {};
    case LifeState::Draining:
      // The server ignores it when the drain is prompt already.
      if (event == DrainPrompt) return {LifeAction::DrainPromptly};
      if (event == Drained) return enter(LifeState::Closing, {LifeAction::CloseResources});
      if (event == GraceSpent || event == Hurry) return cancel();
      return {};
    case LifeState::Closing:
      if (event == Closed) return enter(LifeState::Ended, {LifeAction::Exit});
      return {};
    case LifeState::Ended:
      return {};
  }
  return {};
}

std::vector<LifeAction> Life::enter(LifeState next, std::vector<LifeAction> actions) {
  state_ = next;
  return actions;
}

std::vector<LifeAction> Life::cancel() {
  return enter(LifeState::Closing, {LifeAction::CancelRequests, LifeAction::CloseResources});
}

}  // namespace reeve::worker
