#pragma once
// The progress of an event loop, for a thread that watches it: a number that changes with each
// callback, and whether the loop is waiting for events. Costs one load and one store per callback.
// No times are kept: a watcher that looks twice sees what has not moved.

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

namespace reeve::ipc::uv {

class Progress {
 public:
  struct Seen {
    std::uint64_t step = 0;  ///< the same number: the same callback, or the same wait
    bool busy = false;       ///< false: it waits for events

    bool operator==(const Seen&) const = default;
  };

  /// `wake` is called on the loop's thread, by the first callback after sleep().
  explicit Progress(std::function<void()> wake) : wake_(std::move(wake)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// A callback begins. Loop's thread.
  void step() {
    step_quietly();
    if (asleep_.load(std::memory_order_relaxed)) rouse();
  }
  /// The same, of one that cannot be of interest to someone who sleeps: a heartbeat. Loop's thread.
  void step_quietly() {
    const std::uint64_t last = mark_.load(std::memory_order_relaxed);
    mark_.store((last | kBusy) + kStep, std::memory_order_release);
  }
  /// The loop is about to wait. Loop's thread.
  void rest() {
    const std::uint64_t last = mark_.load(std::memory_order_relaxed);
    mark_.store(last & ~kBusy, std::memory_order_release);
  }

  /// Any thread.
  [[nodiscard]] Seen look() const {
    const std::uint64_t mark = mark_.load(std::memory_order_acquire);
    return {mark / kStep, (mark & kBusy) != 0};
  }
  /// Asks to be woken. A callback that begins in this very instant may not see it: look once more,
  /// some milliseconds later, before you rely on it. The looker's thread.
  void sleep() { asleep_ = true; }

 private:
  static constexpr std::uint64_t kBusy = 1;
  static constexpr std::uint64_t kStep = 2;

  void rouse() {
    if (asleep_.exchange(false)) wake_();
  }

  std::atomic<std::uint64_t> mark_ = 0;
  std::atomic<bool> asleep_ = false;
  std::function<void()> wake_;
};

}  // namespace reeve::ipc::uv
