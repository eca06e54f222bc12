#pragma once
// Turns a loop until something is true, with a deadline: for tests that wait on real processes and
// sockets.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "ipc/base/uv.hpp"

namespace reeve::supervisor::testing {

class LoopDriver {
 public:
  /// False when `done` was not true within ten seconds.
  [[nodiscard]] bool run_until(const std::function<bool()>& done) {
    bool late = false;
    ipc::uv::Timer deadline(loop, [&late] { late = true; });
    deadline.arm(std::chrono::seconds(10));
    // Callbacks before the poll must not wait for it, however late they are: it is always armed.
    static constexpr auto kLookEvery = std::chrono::milliseconds(2);
    ipc::uv::Timer look_again(loop, [&look_again] { look_again.arm(kLookEvery); });
    look_again.arm(kLookEvery);
    while (!late) {
      if (done()) return true;
      uv_run(loop.get(), UV_RUN_ONCE);
    }
    return false;
  }

  /// Runs what is ready now, without waiting.
  void turn() { uv_run(loop.get(), UV_RUN_NOWAIT); }

  ipc::uv::Loop loop;
};

}  // namespace reeve::supervisor::testing
