#pragma once
// The fixture of the runtime's tests: a loop with a thread pool, bounded in time.

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

#include "ipc/base/uv.hpp"
#include "worker/task/context.hpp"
#include "worker/task/spawn.hpp"
#include "worker/task/thread_pool.hpp"

namespace reeve::worker {

class RuntimeFixture : public ::testing::Test {
 protected:
  /// Runs until somebody stops the loop. Past the deadline the test has failed.
  void run_loop() {
    bool late = false;
    ipc::uv::Timer deadline(loop, [&] {
      late = true;
      loop.stop();
    });
    deadline.arm(std::chrono::seconds(20));
    loop.run();
    if (late) throw std::runtime_error("the loop was not stopped in time");
  }

  /// Runs one task to its end.
  template <class T>
  detail::Outcome<T> run(Task<T> task) {
    std::optional<detail::Outcome<T>> ended;
    bool waiting = false;  // A stop() before run() would stop the next run instead.
    spawn(context, std::move(task), [&](detail::Outcome<T> outcome) {
      ended.emplace(std::move(outcome));
      if (waiting) loop.stop();
    });
    waiting = !ended;
    if (waiting) run_loop();
    return std::move(ended.value());
  }

  ipc::uv::Loop loop;
  ThreadPool threads{loop, {.threads = 2, .queue = 4}};
  Context context{loop, threads};
};

}  // namespace reeve::worker
