#pragma once
// One worker process: wires the loop, the server, the lifespan and the line to the master, turns
// what they say into events of Life, and carries out what Life decides. It decides nothing itself.
// Main thread only.

#include <string>
#include <vector>

#include "ipc/address.hpp"
#include "ipc/base/signals.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/worker_state.hpp"
#include "reeve/app.hpp"
#include "worker/diagnosis/crash_handlers.hpp"
#include "worker/lifespan/resource_keeper.hpp"
#include "worker/process/heartbeat.hpp"
#include "worker/process/identity.hpp"
#include "worker/process/life.hpp"
#include "worker/process/log.hpp"
#include "worker/process/master_link.hpp"
#include "worker/process/service.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {

class Process {
 public:
  /// The app and the log outlive it. `listen` are addresses to bind beside the inherited listeners.
  Process(const App& app, Identity identity, std::vector<ipc::Address> listen, Log& log,
          const Patience& patience = {});

  /// From the first phase to the last close. Returns an App::ExitCode.
  [[nodiscard]] int run();

  /// Whether a function occupies a thread, so that destroying this would wait for it.
  [[nodiscard]] bool thread_left_behind() const { return service_.threads().running() > 0; }

 private:
  // What happens.
  void begin();
  void on_signal(int signal);
  void on_master_message(const ipc::MasterMessage& message);
  void on_master_gone();
  void on_opened(detail::Outcome<std::expected<void, StartFailure>> outcome);
  void fail(StartFailure failure);
  void on_lifespan(const LifespanEvent& event);
  void say_what_is_done(const LifespanEvent& event, const std::string& line);
  void log_lifespan(const LifespanEvent& event, const std::string& line);
  void report_degraded();
  void say_what_the_drain_waits_for();

  // What Life decides.
  void handle(LifeEvent event);
  void perform(LifeAction action);
  void announce_ready();
  void arm_grace();
  void drain(ipc::DrainKind kind);
  void cancel_requests();
  void tell_the_cost();
  void close_resources();

  [[nodiscard]] std::expected<std::string, StartFailure> start_listening(HttpServer& server);

  void report(ipc::WorkerState state, ipc::WorkerMessage message = {});
  [[nodiscard]] ipc::Duration teardown_reserve() const;
  /// "1 request cancelled, close of client not done"; empty: its end has cost nothing so far.
  [[nodiscard]] std::string cost() const;

  Log& log_;
  const Patience patience_;
  Identity identity_;
  CrashHandlers crash_handlers_;
  std::vector<ipc::Address> listen_;
  const ipc::TimePoint started_ = ipc::Clock::now();

  ipc::uv::Loop loop_;
  Life life_;
  App::ExitCode exit_code_ = App::Stopped;
  Service service_;
  MasterLink master_;
  ipc::uv::Signals signals_;
  Heartbeat heartbeat_;
  ipc::uv::Timer
      begin_timer_;  ///< Begins on the loop, so that even a start that fails at once ends there.
  ipc::uv::Timer grace_timer_;
  ipc::uv::Timer drain_timer_;  ///< Says what a drain that lasts waits for.
  ipc::TimePoint draining_since_{};
  std::string failing_;       ///< What the master was told last.
  ipc::TimePoint stop_by_{};  ///< Shortly before the end of the grace, once the stop has begun.
  std::string cancelled_;     ///< "1 request cancelled"
  std::vector<std::string> not_closed_;  ///< Resources.
  Spawned opening_;
};

}  // namespace reeve::worker
