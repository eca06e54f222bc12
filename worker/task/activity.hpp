#pragma once
// The purpose of a root task's work, in words: what is to blame when it blocks the loop or fills
// the thread pool. A plain value; the code that spawns the work owns it, and it outlives that work.

#include <cstdint>
#include <string>

namespace reeve::worker {

enum class ActivityKind : std::uint8_t { Other, Request, Background, Scheduled, Resource };

struct Activity {
  ActivityKind kind = ActivityKind::Other;
  /// What a person calls it: "GET /users/{id}", "scheduled clean-up", "opening redis".
  std::string name;

  /// The activity of work that nobody named.
  [[nodiscard]] static const Activity& unnamed();
};

}  // namespace reeve::worker
