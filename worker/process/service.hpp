#pragma once
// All of a worker but its process: the lifespan, what answers requests, and what they run on, over
// one loop. It knows no master, no signals and no exit: a Process owns one, and so does a test
// that has no process. Loop thread only.

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <typeindex>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/recorder/recorder.hpp"
#include "ipc/worker_state.hpp"
#include "reeve/app.hpp"
#include "reeve/state.hpp"
#include "reeve/worker_info.hpp"
#include "worker/diagnosis/watch.hpp"
#include "worker/http/server.hpp"
#include "worker/http/services.hpp"
#include "worker/lifespan/checks.hpp"
#include "worker/lifespan/order_lint.hpp"
#include "worker/lifespan/overrides.hpp"
#include "worker/lifespan/redactor.hpp"
#include "worker/lifespan/resource_keeper.hpp"
#include "worker/lifespan/runner.hpp"
#include "worker/scheduler/scheduler.hpp"
#include "worker/task/context.hpp"
#include "worker/task/thread_pool.hpp"

namespace reeve::worker {

class Service {
 public:
  /// Where it lives.
  struct Dependencies {
    ipc::uv::Loop& loop;
    ipc::RecorderPage& page;
    WorkerInfo who{};
    DrainTiming timing{};
    LogLine log{};
    LogLine watch_log{};  ///< on the thread of the watch; without it nothing is watched
    LifespanRunner::Observer on_lifespan{};
    /// The last phase: gives the server its listeners. Returns their addresses, or why there are
    /// none.
    std::function<std::expected<std::string, StartFailure>(HttpServer&)> listen{};
    /// Learns the secrets of the environment; outlives the service. Null: it has one of its own.
    Redactor* redactor = nullptr;
    /// To the master, of the scheduler. Empty: there is none.
    Scheduler::Tell tell{};
    /// What a test replaces; outlives the service. Null: nothing.
    const Overrides* overrides = nullptr;
    Patience patience{};
  };

  /// The app outlives it.
  Service(const App& app, Dependencies dependencies);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// All five phases. See LifespanRunner::open().
  [[nodiscard]] Task<std::expected<void, StartFailure>> open() { return runner_.open(); }
  /// The start is complete: requests are welcome.
  void set_ready();
  /// It will drain soon: readiness says so from now on, whatever else is served.
  void announce_drain();
  /// The checks and resources that are down while it serves: see Health::failing().
  [[nodiscard]] std::string failing() const { return services_.health.failing(); }
  /// See HttpServer and Scheduler: `drained` is called once both are.
  void drain(ipc::DrainKind kind, std::function<void()> drained);
  /// What a cancel has cut short.
  struct Cancelled {
    std::vector<std::string> names;  ///< "GET /slow (12.3 s)"
    std::string count;               ///< "1 request cancelled"; empty: nothing was
  };
  [[nodiscard]] Cancelled cancel();
  /// See LifespanRunner::close().
  /// The values of requests that were cancelled are closed first: they use resources.
  [[nodiscard]] Task<> close(ipc::TimePoint deadline);
  /// What its end waits for, for a person: "GET /slow (12.3 s)", "3 connections", "closing redis".
  [[nodiscard]] std::vector<std::string> waits_for() const;

  /// After open(): there is a value of that type for the process, or one for each request.
  [[nodiscard]] bool makes(std::type_index type) const;

  [[nodiscard]] const ResourceKeeper& resources() const { return runner_.keeper(); }
  [[nodiscard]] Context& context() { return context_; }
  [[nodiscard]] const ThreadPool& threads() const { return threads_; }
  [[nodiscard]] State& state() { return state_; }
  [[nodiscard]] RequestServices& services() { return services_; }
  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }

 private:
  [[nodiscard]] std::expected<std::string, StartFailure> own_part(Phase phase);
  [[nodiscard]] std::expected<void, std::string> plan_routes();
  [[nodiscard]] bool opens(std::type_index type) const;
  void on_lifespan(const LifespanEvent& event);
  void show(const About& about, bool passing, std::string_view detail,
            std::optional<ipc::Duration> took);
  void lint_order(const Opening& opening);
  void on_check(const CheckResult& result);
  void stop_tending();
  [[nodiscard]] Redactor& redactor() {
    return dependencies_.redactor != nullptr ? *dependencies_.redactor : own_redactor_;
  }

  const App& app_;
  Dependencies dependencies_;
  Redactor own_redactor_;
  OrderLint order_lint_;
  ThreadPool threads_;
  Context context_;
  State state_;
  RequestServices services_;
  HttpServer server_;
  Scheduler scheduler_;
  LifespanRunner runner_;
  CheckRunner checks_;
  bool drains_soon_ = false;
  std::optional<Watch> watch_;  // From the second phase on: the first one sets the environment.
};

}  // namespace reeve::worker
