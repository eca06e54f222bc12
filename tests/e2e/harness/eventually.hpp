#pragma once
// Waits for a condition that has no descriptor to wait on, with a deadline.

#include <poll.h>

#include <chrono>

namespace reeve::e2e {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

/// How long a test waits for what should be there at once. Only a failing test waits so long, so it
/// is generous: sanitizers and a busy machine must not make a test fail.
inline constexpr Milliseconds kPatience = 10s;

/// True as soon as `condition()` is; false when it was not within `patience`. Looks at least once.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition, Milliseconds patience = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::poll(nullptr, 0, 3);  // Leaves the processor to those who are waited for.
  }
}

}  // namespace reeve::e2e
