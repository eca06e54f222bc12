#pragma once
// One resource of a lifespan, from its first opening to its close, as its keeper sees it. Shared
// with the tasks that open and close it, since a function on a thread may outlive the wait for it.

#include <cassert>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "ipc/base/clock.hpp"
#include "reeve/scope.hpp"
#include "worker/lifespan/events.hpp"
#include "worker/lifespan/retry_pause.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {

/// The life of a resource:
///
///   Down --> Opening --its function throws--> Failed --> Down: tried again, or Ended
///               |
///               +--its function returns--> Returned --> Open, or Doomed: refused, or too late
///               |
///               +--cancelled, or too long--> Late --its function ends--> Open, Doomed or Down
///
///   Open --what it is nested in fails--> Doomed
///
///   Open, Doomed --> Closing --its function ends--> Closed --> Ended
///                       |                                        ^
///                       +--too long, on a thread-----------------+
enum class NodeState : std::uint8_t {
  Down,      ///< it has not been tried yet, or it is optional and is tried again
  Opening,   ///< its open function runs, and an attempt waits for it
  Returned,  ///< its value is there, the attempt has not seen it yet
  Failed,    ///< its open function has thrown, the attempt has not seen it yet
  Late,      ///< its open function runs, and nobody waits for it any more
  Open,
  Doomed,   ///< its value is there, and is closed on the next turn
  Closing,  ///< its close function runs, if it has one
  Closed,   ///< its close function has ended
  Ended,    ///< its keeper has forgotten it
};

[[nodiscard]] constexpr bool may_follow(NodeState from, NodeState to) {
  using enum NodeState;
  switch (to) {
    case Opening:
      return from == Down;
    case Returned:
    case Failed:
    case Late:
      return from == Opening;
    case Down:
      return from == Failed || from == Late;
    case Open:
      return from == Returned || from == Late;
    case Doomed:
      return from == Returned || from == Late || from == Open;
    case Closing:
      return from == Open || from == Doomed;
    case Closed:
      return from == Closing;
    case Ended:
      return from == Down || from == Closing || from == Closed;
  }
  return false;
}

/// Where its value is, for those that look in the State.
enum class Visibility : std::uint8_t { None, Stored, Shown };

struct Node : std::enable_shared_from_this<Node> {
  Node(ResourceKeeper& keeper, Resource what, About said, std::shared_ptr<Node> within)
      : resource(std::move(what)),
        about(std::move(said)),
        parent(std::move(within)),
        scope(keeper, this, about.phase),
        retry_pause(resource.options.retry) {}

  /// As its options say; `about.need` also heeds what it is nested in.
  [[nodiscard]] bool optional() const { return resource.options.need == Need::Optional; }
  /// Whether the open function has not ended.
  [[nodiscard]] bool running() const {
    return state == NodeState::Opening || state == NodeState::Late;
  }
  void move_to(NodeState next) {
    assert(may_follow(state, next) && "a resource is opened, and closed, once");
    state = next;
  }

  Resource resource;
  About about;
  std::shared_ptr<Node> parent;  // In whose open function it opened, or none.
  Scope scope;
  NodeState state = NodeState::Down;
  Visibility visibility = Visibility::None;
  bool wanted = true;  // Else a value that comes is closed, and nothing is tried again.

  // The current attempt, and those before it.
  ipc::TimePoint since{};     // When it began to open, or to close.
  ipc::TimePoint deadline{};  // The opening's, or the closing's.
  ipc::TimePoint down_since{};
  std::size_t attempt = 0;
  std::string reason;  // Why the last attempt failed.
  std::exception_ptr error;
  RetryPause retry_pause;
  ipc::Duration pause{};  // Before the next attempt.
  Spawned retry;
  ipc::TimePoint name_at{};  // When to say that it takes long.

  detail::AnyValue value;
};

}  // namespace reeve::worker
