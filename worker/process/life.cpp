#include "worker/process/life.hpp"

namespace reeve::worker {

std::string_view to_string(LifeState state) {
  switch (state) {
    case LifeState::Starting:
      return "Starting";
    case LifeState::Serving:
      return "Serving";
    case LifeState::Draining:
      return "Draining";
    case LifeState::Closing:
      return "Closing";
    case LifeState::Ended:
      return "Ended";
  }
  return "?";
}

std::vector<LifeAction> Life::on(LifeEvent event) {
  switch (state_) {
    case LifeState::Starting:
      return starting(event);
    case LifeState::Serving:
      return serving(event);
    case LifeState::Draining:
      return draining(event);
    case LifeState::Closing:
      if (event != LifeEvent::Closed) return {};
      state_ = LifeState::Ended;
      return {LifeAction::Exit};
    case LifeState::Ended:
      return {};
  }
  return {};
}

std::vector<LifeAction> Life::starting(LifeEvent event) {
  switch (event) {
    case LifeEvent::Opened:
      state_ = LifeState::Serving;
      return {LifeAction::AnnounceReady};
    case LifeEvent::OpenFailed:
      state_ = LifeState::Closing;
      return {LifeAction::CloseResources};
    case LifeEvent::DrainPatient:
    case LifeEvent::DrainPrompt:
    case LifeEvent::Hurry:
      state_ = LifeState::Closing;
      return {LifeAction::CancelOpening, LifeAction::CloseResources};
    case LifeEvent::Drained:
    case LifeEvent::GraceSpent:
    case LifeEvent::Closed:
      return {};
  }
  return {};
}

std::vector<LifeAction> Life::serving(LifeEvent event) {
  switch (event) {
    case LifeEvent::DrainPatient:
      state_ = LifeState::Draining;
      return {LifeAction::ArmGrace, LifeAction::DrainPatiently};
    case LifeEvent::DrainPrompt:
      state_ = LifeState::Draining;
      return {LifeAction::ArmGrace, LifeAction::DrainPromptly};
    case LifeEvent::Hurry:
      state_ = LifeState::Closing;
      return {LifeAction::CancelRequests, LifeAction::CloseResources};
    case LifeEvent::Opened:
    case LifeEvent::OpenFailed:
    case LifeEvent::Drained:
    case LifeEvent::GraceSpent:
    case LifeEvent::Closed:
      return {};
  }
  return {};
}

std::vector<LifeAction> Life::draining(LifeEvent event) {
  switch (event) {
    case LifeEvent::DrainPrompt:  // The server ignores it when the drain is prompt already.
      return {LifeAction::DrainPromptly};
    case LifeEvent::Drained:
      state_ = LifeState::Closing;
      return {LifeAction::CloseResources};
    case LifeEvent::GraceSpent:
    case LifeEvent::Hurry:
      state_ = LifeState::Closing;
      return {LifeAction::CancelRequests, LifeAction::CloseResources};
    case LifeEvent::DrainPatient:
    case LifeEvent::Opened:
    case LifeEvent::OpenFailed:
    case LifeEvent::Closed:
      return {};
  }
  return {};
}

}  // namespace reeve::worker
