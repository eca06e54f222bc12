#include "ipc/base/uv.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <system_error>
#include <utility>

#include "ipc/base/progress.hpp"

namespace reeve::ipc::uv {
namespace {

// libuv can fail here only for want of memory, descriptors or watches, or for a misuse of ours.
void must(int status) {
  if (status < 0) throw std::system_error(-status, std::generic_category(), "libuv");
}

// The callback is copied to the stack of the caller: it may destroy the handle that owns it.
template <class Handle, class... Args>
void call_quietly(Handle* handle, Args... args) {
  if (handle->data == nullptr) return;
  const auto copy = *static_cast<std::function<void(Args...)>*>(handle->data);
  copy(args...);
}

Progress* progress_of(const uv_loop_t* loop) { return static_cast<Progress*>(loop->data); }

template <class Handle, class... Args>
void call(Handle* handle, Args... args) {
  if (Progress* progress = progress_of(handle->loop)) progress->step();
  call_quietly(handle, args...);
}

}  // namespace

Loop::Loop() { must(uv_loop_init(&loop_)); }

Loop::~Loop() {
  show_progress(nullptr);
  uv_run(&loop_, UV_RUN_NOWAIT);  // The close callbacks that are left.
  [[maybe_unused]] const int status = uv_loop_close(&loop_);
  assert(status == 0 && "a uv handle outlived its loop");
}

void Loop::show_progress(Progress* progress) {
  loop_.data = progress;
  before_waiting_.reset();
  if (progress == nullptr) return;
  before_waiting_.reset(new uv_prepare_t{});
  must(uv_prepare_init(&loop_, before_waiting_.get()));
  must(uv_prepare_start(before_waiting_.get(), [](uv_prepare_t* prepare) {
    if (Progress* shown = progress_of(prepare->loop)) shown->rest();
  }));
  uv_unref(reinterpret_cast<uv_handle_t*>(before_waiting_.get()));
}

void Loop::step() {
  if (Progress* progress = progress_of(&loop_)) progress->step();
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }
void Loop::stop() { uv_stop(&loop_); }
TimePoint Loop::now() const { return TimePoint(std::chrono::milliseconds(uv_now(&loop_))); }

Timer::Timer(Loop& loop, std::function<void()> on_fire, Manner manner)
    : Watcher(std::move(on_fire)), manner_(manner) {
  must(uv_timer_init(loop.get(), handle_.get()));
}

void Timer::arm(Duration delay) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(delay).count();
  const uv_timer_cb usual = [](uv_timer_t* timer) { call(timer); };
  const uv_timer_cb quiet = [](uv_timer_t* timer) {
    if (Progress* progress = progress_of(timer->loop)) progress->step_quietly();
    call_quietly(timer);
  };
  must(uv_timer_start(handle_.get(), manner_ == Manner::Quiet ? quiet : usual,
                      ms > 0 ? static_cast<std::uint64_t>(ms) : 0, 0));
}

void Timer::arm_from_now(Duration delay) {
  const TimePoint turn(std::chrono::milliseconds(uv_now(handle_->loop)));
  const Duration behind = Clock::now() - turn;
  arm(std::min(delay, Duration::max() - behind) + behind);
}

void Timer::disarm() { uv_timer_stop(handle_.get()); }

bool Timer::armed() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
}

Poll::Poll(Loop& loop, int fd, std::function<void(int)> on_event) : Watcher(std::move(on_event)) {
  if (const int status = uv_poll_init(loop.get(), handle_.get(), fd); status < 0) {
    delete handle_.release();  // Never initialised: nothing to close.
    must(status);
  }
}

void Poll::watch(int events) {
  if (events == events_) return;
  events_ = events;
  if (events == 0) {
    uv_poll_stop(handle_.get());
    return;
  }
  must(uv_poll_start(handle_.get(), events, [](uv_poll_t* poll, int status, int seen) {
    constexpr int kAll = UV_READABLE | UV_WRITABLE;
    call(poll, status < 0 ? kAll : seen);
  }));
}

Async::Async(Loop& loop, std::function<void()> on_wake) : Watcher(std::move(on_wake)) {
  must(uv_async_init(loop.get(), handle_.get(), [](uv_async_t* async) { call(async); }));
}

void Async::send() { uv_async_send(handle_.get()); }

Check::Check(Loop& loop, std::function<void()> on_check) : Watcher(std::move(on_check)) {
  must(uv_check_init(loop.get(), handle_.get()));
  must(uv_check_start(handle_.get(), [](uv_check_t* check) { call(check); }));
  uv_unref(reinterpret_cast<uv_handle_t*>(handle_.get()));
}

Idle::Idle(Loop& loop, std::function<void()> on_turn) : Watcher(std::move(on_turn)) {
  must(uv_idle_init(loop.get(), handle_.get()));
}

void Idle::start() {
  must(uv_idle_start(handle_.get(), [](uv_idle_t* idle) { call(idle); }));
}

void Idle::stop() { uv_idle_stop(handle_.get()); }

}  // namespace reeve::ipc::uv
