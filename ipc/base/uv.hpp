#pragma once
// uv handles as values with an owner: they ask to close when destroyed and free their memory in the
// close callback, so a callback never finds a dead owner. Loop thread only, except Async::send.
// A callback may destroy its own handle.

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "ipc/base/clock.hpp"

namespace reeve::ipc::uv {

class Progress;

template <class Handle>
struct Closer {
  void operator()(Handle* handle) const {
    handle->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
  }
};

/// A uv handle on the heap that is closed, then freed.
template <class Handle>
using Owned = std::unique_ptr<Handle, Closer<Handle>>;

/// Owns a uv_loop_t. Every handle must be gone, or closing, when it is destroyed: it runs the close
/// callbacks that are left and asserts that nothing else is.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] uv_loop_t* get() { return &loop_; }
  /// Runs until stop() is called or no handle is active.
  void run();
  /// Ends run() at the end of this turn.
  void stop();
  /// The time at which this turn began (millisecond resolution), read once per turn.
  [[nodiscard]] TimePoint now() const;

  /// From now on each callback of the handles below is a step of `progress`, which outlives the
  /// loop or the next call; nullptr: of none. Loop thread, not within run() of another thread.
  void show_progress(Progress* progress);
  /// A callback begins that libuv does not know of, as of an object that multiplexes one handle.
  void step();

 private:
  uv_loop_t loop_{};
  Owned<uv_prepare_t> before_waiting_;  // Null unless progress is shown.
};

/// A handle and what its events call. `handle->data` is null once its owner is gone.
template <class Handle, class... Arguments>
class Watcher {
 protected:
  explicit Watcher(std::function<void(Arguments...)> callback)
      : handle_(new Handle{}),
        callback_(new std::function<void(Arguments...)>(std::move(callback))) {
    handle_->data = callback_.get();
  }

  Owned<Handle> handle_;
  std::unique_ptr<std::function<void(Arguments...)>> callback_;
};

/// Fires once at a point in time. Arming it again replaces the earlier point.
class Timer : Watcher<uv_timer_t> {
 public:
  /// Quiet: the thread that watches the loop is not woken for it.
  enum class Manner : std::uint8_t { Usual, Quiet };

  Timer(Loop& loop, std::function<void()> on_fire, Manner manner = Manner::Usual);
  /// Rounded up to the next millisecond. Counts from Loop::now(): when this turn of the loop began,
  /// which a callback that blocks may have made long ago.
  void arm(Duration delay);
  /// Counts from now, also within such a callback: never early.
  void arm_from_now(Duration delay);
  void disarm();
  [[nodiscard]] bool armed() const;

 private:
  Manner manner_;
};

/// Watches a borrowed fd, which must outlive it. Level-triggered.
class Poll : Watcher<uv_poll_t, int> {
 public:
  /// `on_event` gets the UV_READABLE, UV_WRITABLE, UV_DISCONNECT bits; a polling error arrives as
  /// all the bits asked for, so that the following read or write reports it.
  Poll(Loop& loop, int fd, std::function<void(int events)> on_event);
  void watch(int events);  ///< 0 stops.

 private:
  int events_ = 0;
};

/// Wakes the loop from another thread; several sends may become one call.
class Async : Watcher<uv_async_t> {
 public:
  Async(Loop& loop, std::function<void()> on_wake);
  void send();  ///< Any thread.
};

/// Runs at the end of each turn that did I/O, after all of its callbacks; does not keep the loop
/// alive.
class Check : Watcher<uv_check_t> {
 public:
  Check(Loop& loop, std::function<void()> on_check);
};

/// While started, runs once in every turn of the loop, which then does not wait for I/O.
class Idle : Watcher<uv_idle_t> {
 public:
  Idle(Loop& loop, std::function<void()> on_turn);
  void start();
  void stop();
};

}  // namespace reeve::ipc::uv
