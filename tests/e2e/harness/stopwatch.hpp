#pragma once
// How long something took, less what a busy machine has added: while the test or the process under
// test could run and no processor was free, the neighbours are to blame. Only the main threads
// count, since the test waits for them. On a busy machine this may take off too much
// (both wait at once, or one while the other sleeps), on an idle one nothing: it is for upper
// bounds only. Where the kernel does not account for it (CONFIG_SCHED_INFO), nothing is taken off.

#include <sys/types.h>

#include <chrono>
#include <functional>

#include "tests/e2e/harness/eventually.hpp"

namespace reeve::e2e {

class Stopwatch {
 public:
  /// Starts now, for a process that is there already.
  explicit Stopwatch(pid_t process);
  /// Starts now, for one that is still to come: watches() names it.
  Stopwatch() : Stopwatch(0) {}

  void watches(pid_t process) { process_ = process; }
  /// Since the start. The process has not been reaped.
  [[nodiscard]] std::chrono::microseconds elapsed() const;

 private:
  [[nodiscard]] std::chrono::nanoseconds delayed() const;

  pid_t process_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::nanoseconds delayed_before_;
};

/// The median of five measurements; measured anew, three times in all, while it is not below
/// `bound`: a neighbour may spoil some, a service that is slow is slow each time.
[[nodiscard]] std::chrono::microseconds typical(
    std::chrono::microseconds bound, const std::function<std::chrono::microseconds()>& measure);

}  // namespace reeve::e2e
