#pragma once
// How many threads a worker has for what may block, and how much work may wait for them.

#include <cstddef>

namespace reeve {

/// The size of the thread pool and of its queue, for App::threads().
struct ThreadLimits {
  /// min(32, cores + 4): enough to overlap waiting, few enough not to thrash.
  [[nodiscard]] static std::size_t default_threads();

  /// Threads at most, and at least one; they are started as they are needed.
  std::size_t threads = default_threads();
  /// Calls that may wait for a thread, beside those that have one. Beyond it a request is answered
  /// with 503 and Retry-After, and offload() throws Overloaded. With 0 nothing waits.
  std::size_t queue = 1024;
};

}  // namespace reeve
