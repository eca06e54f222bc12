#include "worker/diagnosis/watch.hpp"

#include <pthread.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "ipc/recorder/writer.hpp"
#include "worker/diagnosis/stack_signal.hpp"
#include "worker/diagnosis/watch_messages.hpp"
#include "worker/task/thread_signals.hpp"

namespace reeve::worker {
namespace {

constexpr ipc::Duration kStackPatience = std::chrono::milliseconds(100);

}  // namespace

Watch::Watch(Dependencies dependencies, const WatchLimits& limits, LogLine log)
    : dependencies_(dependencies),
      log_(std::move(log)),
      loop_thread_(::gettid()),
      progress_([this] { wake(); }),
      starvation_(limits.loop),
      exhaustion_(limits.pool) {
  if (limits.loop.count() <= 0 && limits.pool.count() <= 0) return;
  const SignalsBlocked blocked;
  try {
    thread_ = std::thread([this] { run(); });
    dependencies_.loop.show_progress(&progress_);
  } catch (const std::system_error& error) {
    log_(std::string("no thread is left to watch the event loop: ") + error.what() +
         "; a handler that blocks it will not be named");
  }
}

Watch::~Watch() {
  if (!thread_.joinable()) return;
  dependencies_.loop.show_progress(nullptr);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watch::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

// Before it sleeps it asks to be woken, and looks once more: a callback that began before it could
// see that shows by then.
void Watch::run() {
  ::pthread_setname_np(::pthread_self(), "watch");
  const AlternateStack for_signals;
  bool asked = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, kPeriod, [this] { return stopping_; });
    if (stopping_) return;
    lock.unlock();
    const bool is_quiet = !look();
    lock.lock();
    if (is_quiet && asked) changed_.wait(lock, [this] { return stopping_ || woken_; });
    asked = is_quiet && !asked;
    if (!asked) continue;
    woken_ = false;
    progress_.sleep();
  }
}

bool Watch::look() {
  looks_.fetch_add(1, std::memory_order_relaxed);
  const ipc::TimePoint now = ipc::Clock::now();
  const ipc::uv::Progress::Seen progress = progress_.look();
  const PoolLook pool = dependencies_.pool.look();
  look_at_loop(now, progress);
  look_at_pool(now, pool);
  const bool has_moved = progress != std::exchange(last_progress_, progress);
  return has_moved || progress.busy || pool.waiting > 0 || exhaustion_.lasts();
}

void Watch::look_at_loop(ipc::TimePoint now, const ipc::uv::Progress::Seen& progress) {
  // Only then: the loop waits for who looks at it.
  const auto loop_activity = progress.busy ? dependencies_.loop_activity.look() : std::nullopt;
  const auto findings =
      starvation_.on({.now = now, .progress = progress, .loop_activity = loop_activity});
  if (!starvation_.suspected()) {
    baseline_.reset();
  } else if (!baseline_) {
    baseline_ = Baseline{now, read_thread_times(loop_thread_)};
  }
  for (const Starvation::Finding& finding : findings) tell(finding, now);
  if (const auto lasts = starvation_.lasts()) {
    ipc::record_starvation(dependencies_.page, *lasts, false);
  }
}

std::string Watch::how_it_blocks(ipc::TimePoint now) const {
  if (!baseline_ || !baseline_->times) return {};
  const auto times = read_thread_times(loop_thread_);
  if (!times) return {};
  return worker::how_it_blocks(
      ThreadTimes{.on_cpu = times->on_cpu - baseline_->times->on_cpu,
                  .without_cpu = times->without_cpu - baseline_->times->without_cpu},
      now - baseline_->at);
}

void Watch::tell(const Starvation::Finding& finding, ipc::TimePoint now) {
  const std::string& name = finding.activity.name;
  switch (finding.kind) {
    case Starvation::Kind::Began: {
      ipc::record_starvation(dependencies_.page, name, finding.lasted);
      const auto untold = repeats_.admit(name, now);
      told_ = untold.has_value();
      if (!untold) return;
      const std::string how = how_it_blocks(now);
      const auto stack = probe_stack(loop_thread_, kStackPatience);
      for (const std::string& line : starvation_began(finding, *untold, how, stack)) log_(line);
      return;
    }
    case Starvation::Kind::Lasts:
      told_ = true;
      log_(starvation_lasts(finding, how_it_blocks(now)));
      return;
    case Starvation::Kind::Ended:
      ipc::record_starvation(dependencies_.page, finding.lasted, true);
      if (told_) {
        log_(starvation_ended(finding));
      } else {
        repeats_.keep(name, finding.lasted);
      }
      return;
  }
}

void Watch::look_at_pool(ipc::TimePoint now, const PoolLook& pool) {
  const auto finding = exhaustion_.on(now, pool);
  if (!finding) return;
  switch (finding->kind) {
    case Exhaustion::Kind::Began: {
      const auto all = occupants(pool);
      ipc::record_exhaustion(dependencies_.page, all.empty() ? "" : all.front().what);
      return log_(exhaustion_began(*finding, pool, !starvation_.lasts()));
    }
    case Exhaustion::Kind::Lasts:
      return log_(exhaustion_lasts(*finding, pool));
    case Exhaustion::Kind::Ended:
      ipc::record_exhaustion_over(dependencies_.page);
      return log_(exhaustion_ended(*finding));
  }
}

}  // namespace reeve::worker
