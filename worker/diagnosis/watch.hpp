#pragma once
// Looks at the event loop and at the thread pool from a thread of its own, and says which of the
// two classic failures a worker has, while it has it: a coroutine that blocks the loop, or a pool
// whose threads are all taken. It looks every 50 ms while the loop turns, and sleeps when nothing
// happens: an idle worker pays nothing for it, a busy one a few stores a callback. It decides
// nothing itself: see Starvation and Exhaustion.

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "ipc/base/progress.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/recorder/recorder.hpp"
#include "reeve/watch_limits.hpp"
#include "worker/diagnosis/exhaustion.hpp"
#include "worker/diagnosis/repeats.hpp"
#include "worker/diagnosis/starvation.hpp"
#include "worker/diagnosis/thread_times.hpp"
#include "worker/task/loop_activity.hpp"
#include "worker/task/thread_pool.hpp"

namespace reeve::worker {

class Watch {
 public:
  /// All of them outlive it.
  struct Dependencies {
    ipc::uv::Loop& loop;
    const LoopActivity& loop_activity;
    const ThreadPool& pool;
    ipc::RecorderPage& page;
  };
  /// Gets what an operator should read; on the thread of the watch.
  using LogLine = std::function<void(std::string_view line)>;

  static constexpr std::chrono::milliseconds kPeriod{50};

  /// Starts the thread, which looks at the caller's: the one that runs the loop. When the system
  /// gives none, nothing is watched, and a line says so.
  Watch(Dependencies dependencies, const WatchLimits& limits, LogLine log);
  /// Ends the thread at once. The same thread.
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// How often it has looked. Any thread.
  [[nodiscard]] std::uint64_t looks() const { return looks_.load(std::memory_order_relaxed); }

 private:
  void run();
  /// False when nothing has happened since the last look, and nothing is under way.
  [[nodiscard]] bool look();
  void look_at_loop(ipc::TimePoint now, const ipc::uv::Progress::Seen& progress);
  void look_at_pool(ipc::TimePoint now, const PoolLook& pool);
  void tell(const Starvation::Finding& finding, ipc::TimePoint now);
  [[nodiscard]] std::string how_it_blocks(ipc::TimePoint now) const;
  void wake();

  const Dependencies dependencies_;
  const LogLine log_;
  const pid_t loop_thread_;
  ipc::uv::Progress progress_;

  // The thread of the watch only.
  Starvation starvation_;
  Exhaustion exhaustion_;
  Repeats repeats_;
  ipc::uv::Progress::Seen last_progress_;
  struct Baseline {
    ipc::TimePoint at;
    std::optional<ThreadTimes> times;
  };
  std::optional<Baseline> baseline_;  // For a stretch that may become too long.
  bool told_ = false;                 // The starvation that lasts was told of.

  std::atomic<std::uint64_t> looks_ = 0;
  std::mutex mutex_;  // Guards what follows, up to thread_.
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace reeve::worker
