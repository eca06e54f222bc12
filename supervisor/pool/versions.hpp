#pragma once
// The versions of one pool: the one in force, the one that a roll brings, the one before, and one
// that waits until nothing runs. The generation in force always has its deployment. Starts nothing
// and closes nothing. Loop thread.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "supervisor/core/types.hpp"
#include "supervisor/listen/listeners.hpp"
#include "supervisor/process/deployment.hpp"

namespace reeve::supervisor {

class Versions {
 public:
  struct State {
    std::vector<Deployment::State> deployments;
    std::optional<Deployment::State> previous;  ///< what a rollback returns to
    std::optional<Deployment::State> adoption;  ///< what is taken over once nothing is left
  };
  /// Where a listener stands in the list that is handed over beside the state.
  using PlaceOf = std::function<std::size_t(const Listener&)>;

  Versions(Generation in_force, Deployment deployment);
  /// Goes on where another master has stopped; `listeners` is that list.
  Versions(const State& state, Generation in_force, const ListenerSet& listeners);
  [[nodiscard]] State state(const PlaceOf& place_of) const;

  /// Of a generation that is in force or being rolled to.
  [[nodiscard]] const Deployment& at(Generation generation) const {
    return deployments_.at(generation);
  }
  /// nullptr: it is forgotten, though a worker of it may still drain.
  [[nodiscard]] const Deployment* find(Generation generation) const;
  /// What a rollback returns to: the version before the last that differed; nullptr: none.
  [[nodiscard]] const Deployment* previous() const { return previous_ ? &*previous_ : nullptr; }
  /// What is to be taken over without a start, once nothing runs; nullptr: nothing.
  [[nodiscard]] const Deployment* waiting() const { return waiting_ ? &*waiting_ : nullptr; }

  /// A roll to `generation` may begin.
  void prepare(Generation generation, Deployment next);
  void wait(Deployment next) { waiting_ = std::move(next); }
  /// nullopt: none waits.
  [[nodiscard]] std::optional<Deployment> take_waiting();
  void forget_waiting() { waiting_.reset(); }
  /// The configured number of workers is another one now, of the version that waits, too.
  void set_workers(Generation in_force, int workers);

  /// The rules of the one in force are others now; its program and its listeners are the same.
  void reconfigure(Generation in_force, PoolConfig config) {
    deployments_.at(in_force).config = std::move(config);
  }

  /// No roll is running: of all versions only the one in force can start workers. It makes the one
  /// that was in force before the previous one, if they differ.
  void settle(Generation in_force);

  /// Every listener of every version that may run.
  [[nodiscard]] ListenerSet listeners() const;
  /// Those that only a rollback would need again.
  [[nodiscard]] ListenerSet listeners_of_the_past() const;

 private:
  std::map<Generation, Deployment> deployments_;
  std::optional<Deployment> previous_;
  std::optional<Deployment> waiting_;
  Generation settled_;  // The last one that was in force with no roll running.
};

}  // namespace reeve::supervisor
