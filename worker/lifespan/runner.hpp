#pragma once
// Opens a lifespan, phase by phase, and closes it again. The keeper does the opening and closing;
// this one knows the order of the phases, and the runtime's own part of each. Loop thread only.

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/worker_exit.hpp"
#include "reeve/lifespan.hpp"
#include "worker/lifespan/overrides.hpp"
#include "worker/lifespan/resource_keeper.hpp"
#include "worker/task/context.hpp"

namespace reeve::worker {

/// The reason for which a worker cannot start, in words and as the code that it exits with.
struct StartFailure {
  ipc::WorkerExit code = ipc::WorkerExit::ResourceFailed;
  std::string reason;
};

class LifespanRunner {
 public:
  using Observer = ResourceKeeper::Observer;
  /// The runtime's own part of a phase, done when the phase begins. Returns what to say of it, or
  /// why it failed.
  using OwnPart = std::function<std::expected<std::string, StartFailure>(Phase)>;

  /// All of them outlive the runner; the lifespan does not change any more. `overrides` may be
  /// null.
  LifespanRunner(Context& context, const Lifespan& lifespan, State& state, Observer observer,
                 OwnPart own_part, const Overrides* overrides = nullptr,
                 const Patience& patience = {});

  /// Opens everything. The error is the reason why the worker cannot start; what was open still is.
  /// A cancel ends the opening in the same way.
  [[nodiscard]] Task<std::expected<void, StartFailure>> open();

  /// See ResourceKeeper.
  void stop_retrying() { keeper_.stop_retrying(); }
  [[nodiscard]] Task<> close(ipc::TimePoint deadline) { return keeper_.close(deadline); }

  [[nodiscard]] ResourceKeeper& keeper() { return keeper_; }
  [[nodiscard]] const ResourceKeeper& keeper() const { return keeper_; }

 private:
  [[nodiscard]] Task<std::expected<void, StartFailure>> open_parts(Phase phase);
  [[nodiscard]] std::string describe_resources(Phase phase) const;

  const Lifespan& lifespan_;
  Observer observer_;
  OwnPart own_part_;
  ResourceKeeper keeper_;
  std::vector<std::unique_ptr<Scope>> scopes_;  // One a phase; a lifespan function may keep it.
};

}  // namespace reeve::worker
