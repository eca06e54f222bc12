#pragma once
// The inside of a TestClient: one Service at a time, and the loop that turns only while a call
// waits. One thread.

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/recorder/recorder.hpp"
#include "reeve/testing.hpp"
#include "worker/lifespan/events.hpp"
#include "worker/lifespan/overrides.hpp"
#include "worker/process/service.hpp"
#include "worker/testing/call.hpp"

namespace reeve {

class TestClient::Impl {
 public:
  Impl(const App& app, TestOptions options);
  Impl(App&& app, TestOptions options);

  [[nodiscard]] bool running() const { return world_ != nullptr; }
  /// Throws std::logic_error when it is not running.
  [[nodiscard]] worker::Service& service() const;

  // See TestClient.
  void replace(std::type_index meant, std::type_index type, worker::Override replacement);
  TestResult start();
  TestResult stop();
  std::shared_ptr<worker::TestCallState> send(TestRequest request);
  void run_to_end(std::string_view what, Task<> task);
  void settle();
  void wait_until(std::string_view what, const std::function<bool()>& reached);

  std::vector<std::string> events;
  std::vector<std::string> log;

 private:
  /// What one start() makes and its stop() destroys.
  struct World {
    ipc::uv::Loop loop;
    ipc::Recorder recorder = ipc::Recorder::detached();
    std::optional<worker::Service> service;
  };

  /// Turns the loop until `reached`, or for so long. Returns whether it was reached.
  bool turn_until(const std::function<bool()>& reached, ipc::Duration within);
  void make_world();
  std::string open();
  /// Why the start fails nevertheless; empty when each replacement has a place.
  [[nodiscard]] std::string replaced_in_vain() const;
  void on_lifespan(const worker::LifespanEvent& event);
  /// "; it waits for: opening database"
  [[nodiscard]] std::string waits_for() const;
  void wait_for(worker::TestCallState& call);
  void forget_finished_calls();

  // The steps of stop(). Each returns what went wrong.
  std::vector<std::string> drain();
  std::vector<std::string> close();
  std::vector<std::string> destroy();

  std::optional<App> own_app_;
  const App& app_;
  TestOptions options_;
  worker::Overrides overrides_;
  /// What the test has called it, and what that stands for.
  std::multimap<std::type_index, std::type_index> replaced_;
  std::unique_ptr<World> world_;
  std::list<std::shared_ptr<worker::TestCallState>> calls_;
  std::vector<std::string> close_failures_;
};

}  // namespace reeve
