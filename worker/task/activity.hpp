#pragma once
// What the work of a root task is for, in words: who is to blame when it blocks the loop or fills
// the thread pool. A plain value; whoever spawns the work owns it, and it outlives that work.

#include <cstdint>
#include <string>

namespace reeve::worker {

enum class ActivityKind : std::uint8_t { Other, Request, Background, Scheduled, Resource };

struct Activity {
  ActivityKind kind = ActivityKind::Other;
  /// What a person calls it: "GET /users/{id}", "scheduled clean-up", "opening redis".
  std::string name;

  /// Of work that nobody named.
  [[nodiscard]] static const Activity& unnamed();
};

}  // namespace reeve::worker
