#pragma once
// One resource of a lifespan, from its first opening to its close, as its keeper sees it. Shared
// with the tasks that open and close it, since a function on a thread may outlive the wait for it.

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "ipc/base/clock.hpp"
#include "reeve/scope.hpp"
#include "worker/lifespan/back_off.hpp"
#include "worker/lifespan/events.hpp"
#include "worker/lifespan/exit_stack.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {

enum class NodeState : std::uint8_t { Opening, Down, Open, Closing, Ended };

struct Node : std::enable_shared_from_this<Node> {
  Node(ResourceKeeper& keeper, Resource what, About said, std::shared_ptr<Node> within,
       ExitStack::Id at)
      : resource(std::move(what)),
        about(std::move(said)),
        parent(std::move(within)),
        id(at),
        scope(keeper, this, about.phase),
        back_off(resource.options.retry) {}

  /// As its options say; `about.need` also heeds what it is nested in.
  [[nodiscard]] bool optional() const { return resource.options.need == Need::Optional; }

  Resource resource;
  About about;
  std::shared_ptr<Node> parent;  // In whose open function it opened, or none.
  ExitStack::Id id;
  Scope scope;
  NodeState state = NodeState::Opening;

  // The current attempt, and those before it.
  ipc::TimePoint since{};     // When it began to open, or to close.
  ipc::TimePoint deadline{};  // The opening's.
  ipc::TimePoint down_since{};
  std::size_t attempt = 0;
  bool running = false;       // The open function has not ended, even if nobody waits any more.
  bool awaited = false;       // Somebody waits for it.
  bool arrived = false;       // The function has returned, and `value` is to be closed.
  bool unwanted = false;      // A value that comes now is too late.
  bool stored = false;        // The State has the value, too.
  bool shown = false;         // And whoever looks finds it.
  bool closing_runs = false;  // The close function has not ended, even if nobody waits any more.
  std::string reason;         // Why the last attempt failed.
  std::exception_ptr error;
  BackOff back_off;
  ipc::Duration pause{};  // Before the next attempt.
  Spawned retry;
  bool retrying = false;     // `retry` is running, or about to.
  ipc::TimePoint name_at{};  // When to say that it takes long.

  detail::AnyValue value;
};

}  // namespace reeve::worker
