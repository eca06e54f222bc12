#pragma once
// Opens a lifespan and closes it again: one resource at a time, each with its deadline both ways.
// It reports what happens and decides nothing else: neither what is logged nor when the worker
// ends. Loop thread only.

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "ipc/base/clock.hpp"
#include "reeve/lifespan.hpp"
#include "worker/lifespan/events.hpp"
#include "worker/lifespan/start_failure.hpp"
#include "worker/runtime/context.hpp"
#include "worker/runtime/overrides.hpp"

namespace reeve::worker {

class LifespanRunner {
 public:
  using Observer = std::function<void(const LifespanEvent&)>;
  /// The runtime's own part of a phase, done when the phase begins. Returns what to say of it, or
  /// why it failed.
  using OwnPart = std::function<std::expected<std::string, StartFailure>(Phase)>;

  /// All of them outlive the runner; the lifespan does not change any more. `overrides` may be
  /// null.
  LifespanRunner(Context& context, const Lifespan& lifespan, State& state, Observer observer,
                 OwnPart own_part, const Overrides* overrides = nullptr);

  /// Opens everything. The error is the reason why the worker cannot start; what was open still is.
  /// A cancel ends the opening in the same way.
  [[nodiscard]] Task<std::expected<void, StartFailure>> open();

  /// Closes what is open, in reverse, all of it by `deadline`. Every resource gets its turn: one
  /// that is reached later still gets kLeastCloseTime. A value is destroyed only when no function
  /// is left behind on a thread, which could still use it.
  [[nodiscard]] Task<> close(ipc::TimePoint deadline);

  static constexpr std::chrono::milliseconds kLeastCloseTime{50};

 private:
  [[nodiscard]] Task<std::expected<std::size_t, StartFailure>> open_resources(Phase phase);
  [[nodiscard]] Task<> open_or_replace(const Resource& resource);
  [[nodiscard]] const Override* replacement(const Resource& resource) const;
  [[nodiscard]] Task<> close_resource(const Resource& resource, ipc::TimePoint deadline);

  Context& context_;
  const Lifespan& lifespan_;
  State& state_;
  Observer observer_;
  OwnPart own_part_;
  const Overrides* overrides_;
  std::vector<const Resource*> open_;  // In the order of opening.
};

}  // namespace reeve::worker
