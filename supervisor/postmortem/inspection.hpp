#pragma once
// One look at a worker that is about to be killed: two readings of /proc a moment apart, and then
// the stacks that a native one writes when it is asked. Ends after at most kLongest,
// however the worker fares, and never waits in between. Loop thread.

#include <sys/types.h>

#include <functional>
#include <optional>

#include "ipc/base/uv.hpp"
#include "ipc/recorder/black_box.hpp"
#include "ipc/recorder/reader.hpp"
#include "supervisor/core/types.hpp"
#include "supervisor/postmortem/findings.hpp"
#include "supervisor/system/proc_reader.hpp"

namespace reeve::supervisor {

class Inspection {
 public:
  static constexpr Duration kBetween = std::chrono::milliseconds(150);
  static constexpr Duration kLongest = std::chrono::milliseconds(450);

  struct InspectedWorker {
    pid_t pid = 0;  ///< not reaped while this lives
    const ipc::BlackBox& box;
    bool native = false;
  };

  /// `on_done` may destroy this.
  Inspection(ipc::uv::Loop& loop, InspectedWorker worker, std::function<void()> on_done);

  /// The findings so far, also on a worker that has died meanwhile.
  [[nodiscard]] Findings findings() const;
  /// The worker was found stopped.
  [[nodiscard]] bool stopped() const;

 private:
  void proceed();

  InspectedWorker worker_;
  std::function<void()> on_done_;
  TimePoint began_;
  std::optional<ProcFacts> first_;
  std::optional<ProcFacts> second_;
  Duration between_{};
  bool asked_ = false;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::supervisor
