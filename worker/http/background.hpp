#pragma once
// Work that is left when requests were answered: background tasks, and closing the values of
// requests. Bounded, counted in the recorder, named for the log, waited for in a drain.
// Knows no request. Loop thread only, apart from reserve().
//
//   Waiting --> Running --> Over      A coroutine never waits; a function waits while others have
//      |                      ^       all the threads that background tasks may take.
//      +-------- cancel() ----+

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/recorder/recorder.hpp"
#include "reeve/background.hpp"
#include "reeve/suspension.hpp"
#include "reeve/task.hpp"
#include "worker/task/context.hpp"

namespace reeve::worker {

class Background {
 public:
  using LogLine = std::function<void(std::string_view line)>;

  /// A place, of those that BackgroundLimits::at_most gives. Free again when it is destroyed. Any
  /// thread.
  class Place {
   public:
    explicit Place(std::shared_ptr<std::atomic<std::size_t>> taken) : taken_(std::move(taken)) {}
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (taken_ != nullptr) --*taken_;
    }

   private:
    std::shared_ptr<std::atomic<std::size_t>> taken_;
  };

  /// A task that is promised, and has its place.
  struct Promised {
    detail::BackgroundWork work;
    Place place;
  };

  class Settled;

  Background(Context& context, ipc::RecorderPage& page, LogLine log);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Before the worker listens. `threads` are those of the pool.
  void limit(const BackgroundLimits& limits, std::size_t threads);

  /// Throws BackgroundFull. Any thread.
  [[nodiscard]] Place reserve();

  /// Runs a task, unless cancel() was called. `route` is what left it behind: "POST /orders".
  void start(Promised promised, const std::string& route);
  /// Runs what ends a request, then calls `then`: not cancelled by cancel(), not bounded in number.
  void clean_up(std::string name, Task<> task, std::move_only_function<void()> then);

  /// Nothing runs or waits.
  [[nodiscard]] bool idle() const { return entries_.empty(); }
  /// Called whenever the last one has ended. It must not start one.
  void on_idle(std::function<void()> callback) { on_idle_ = std::move(callback); }
  /// "2 background tasks: mail of POST /orders for 3.1 s, audit of GET /x for 0.2 s"; the oldest
  /// ones by name. Empty when there is none.
  [[nodiscard]] std::string describe() const;

  /// Cancels the tasks, and returns "background task mail of POST /orders (3.1 s)" for each that
  /// was not done. A function that runs on a thread cannot be cancelled.
  [[nodiscard]] std::vector<std::string> cancel();

  /// `co_await background.settled(1s)`: until only functions on threads are left, or so long. What
  /// is still there then is cancelled. One waiter at a time.
  [[nodiscard]] Settled settled(ipc::Duration limit);

 private:
  enum class Kind : std::uint8_t { Coroutine, Function, CleanUp };
  enum class Stage : std::uint8_t { Waiting, Running, Over };
  struct Entry;

  [[nodiscard]] static Task<> run(std::shared_ptr<Entry> entry);
  void begin(const std::shared_ptr<Entry>& entry, Task<> task);
  void on_end(const std::shared_ptr<Entry>& entry, const detail::Outcome<void>& outcome);
  void begin_waiting();
  void remove(Entry& entry);
  [[nodiscard]] bool only_functions() const;
  [[nodiscard]] std::string age(const Entry& entry) const;

  Context& context_;
  ipc::RecorderPage& page_;
  LogLine log_;
  std::size_t at_most_ = BackgroundLimits{}.at_most;
  std::size_t threads_ = 1;
  std::size_t on_threads_ = 0;
  std::shared_ptr<std::atomic<std::size_t>> taken_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::list<std::shared_ptr<Entry>> entries_;   // The oldest first.
  std::deque<std::shared_ptr<Entry>> waiting_;  // Functions that have not begun.
  std::function<void()> on_idle_;
  Settled* waiter_ = nullptr;
  bool cancelled_ = false;
};

class Background::Settled final : public Suspension {
 public:
  Settled(Background& background, ipc::Duration limit);
  ~Settled() override;
  [[nodiscard]] bool await_ready() const noexcept { return background_.only_functions(); }
  void await_resume() const { check(); }

 private:
  friend class Background;
  void start(Context& context) override;
  bool abandon() noexcept override;
  void on_change();

  Background& background_;
  ipc::Duration limit_;
  std::optional<ipc::uv::Timer> timer_;
};

}  // namespace reeve::worker
