#include "supervisor/upgrade/upgrade.hpp"

#include <fmt/format.h>

#include <utility>

#include "supervisor/upgrade/handover_codec.hpp"
#include "supervisor/upgrade/handover_rules.hpp"
#include "supervisor/upgrade/sealed_memory.hpp"
#include "supervisor/upgrade/takeover.hpp"

namespace reeve::supervisor {

Upgrade::Upgrade(ipc::uv::Loop& loop, Log& log, OwnBinary own_binary, Callbacks callbacks)
    : loop_(loop),
      log_(log),
      own_binary_(std::move(own_binary)),
      callbacks_(std::move(callbacks)),
      leave_(loop, [this] { take_leave(); }) {}

void Upgrade::request(std::optional<SessionId> asker) {
  if (asker) askers_.push_back(*asker);
  if (trial_ || leave_.armed()) return;  // They all get the verdict on this one.
  auto handover = callbacks_.hand_over(askers_);
  if (!handover) return refuse(handover.error().text);
  const std::vector<int> descriptors = descriptor_numbers(*handover);
  auto binary = open_binary(own_binary_.binary);
  if (!binary) {
    return refuse(fmt::format("{}; install the new version there", binary.error().text));
  }
  const auto state = seal(encode_for_trial(*std::move(handover)));
  if (!state) return refuse(state.error().text);

  log_.info("upgrade: trying {}", own_binary_.binary);
  binary_ = std::move(*binary);
  trial_ = std::make_unique<UpgradeTrial>(
      loop_, UpgradeTrial::kLongest,
      [this](const UpgradeTrial::Verdict& verdict) { judge(verdict); });
  const auto started = trial_->start({.binary = binary_.get(),
                                      .name = own_binary_.arguments.front(),
                                      .state = state->get(),
                                      .descriptors = descriptors});
  if (!started) {
    trial_.reset();
    refuse(started.error().text);
  }
}

void Upgrade::conclude(pid_t pid) const {
  if (trial_) trial_->conclude(pid);
}

void Upgrade::exited(pid_t pid, const Death& death) {
  if (!trial_) return;
  trial_->exited(pid, death);
  if (trial_->ended()) trial_.reset();
}

void Upgrade::judge(const UpgradeTrial::Verdict& verdict) {
  if (!verdict) {
    return refuse(fmt::format("{} cannot take over: {}", own_binary_.binary, verdict.error()));
  }
  new_version_ = *verdict;
  leave_.arm(Duration::zero());
}

/// Takes the state a second time: much may have happened while the new binary was tried.
void Upgrade::take_leave() {
  log_.info("upgrade: becoming reeve {} ({})", new_version_, own_binary_.binary);
  const auto handover = callbacks_.hand_over(askers_);
  if (!handover) {
    return refuse(fmt::format("since the new binary was tried, {}", handover.error().text));
  }
  const auto state = seal(encode(*handover));
  if (!state) return refuse(state.error().text);

  std::vector<int> inherited = descriptor_numbers(*handover);
  inherited.push_back(state->get());
  callbacks_.leaving();
  set_inherited(inherited, true);
  const ipc::Error error = become(binary_.get(), own_binary_.arguments,
                                  fmt::format("{}={}", kHandoverVariable, state->get()));
  set_inherited(inherited, false);
  callbacks_.staying();
  refuse(error.text);
}

void Upgrade::refuse(const std::string& why) {
  binary_.reset();
  const std::string text = fmt::format("{}; nothing has changed", why);
  log_.error("upgrade: {}", text);
  for (const SessionId asker : std::exchange(askers_, {})) {
    callbacks_.answer(asker, {refusal("", "refused", text)});
  }
}

}  // namespace reeve::supervisor
