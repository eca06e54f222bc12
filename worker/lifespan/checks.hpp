#pragma once
// Runs the checks of an app: when readiness is asked for and the last result has grown old, and by
// themselves every so often. Each is bounded in time, and runs once at a time however many ask. It
// reports results and decides nothing. Loop thread only.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/base/uv.hpp"
#include "reeve/check.hpp"
#include "worker/lifespan/wait_group.hpp"
#include "worker/task/context.hpp"

namespace reeve::worker {

struct CheckResult {
  const Check& check;
  bool passed = true;
  std::string reason;       ///< why it did not pass
  ipc::Duration latency{};  ///< how long the answer took
};

class CheckRunner {
 public:
  using OnResult = std::function<void(const CheckResult&)>;
  /// Whether what it looks at can be looked at; one that cannot is passed over.
  using Applies = std::function<bool(const Check&)>;

  /// `checks` outlive the runner.
  CheckRunner(Context& context, State& state, const std::vector<Check>& checks, Applies applies,
              OnResult on_result);
  ~CheckRunner();
  CheckRunner(const CheckRunner&) = delete;
  CheckRunner& operator=(const CheckRunner&) = delete;

  /// Runs every check now, and then by itself.
  void start();
  void stop();
  [[nodiscard]] bool empty() const { return probes_.empty(); }

  /// Afterwards no result is older than its `cached_for`. Takes as long as the slowest `within`.
  [[nodiscard]] Task<> refresh();

 private:
  struct Probe;

  void ask(Probe& probe);
  [[nodiscard]] Task<> answer(std::shared_ptr<Probe> probe);
  [[nodiscard]] Task<> run(std::shared_ptr<Probe> probe);
  void arm(Probe& probe) const;

  Context& context_;
  State& state_;
  Applies applies_;
  OnResult on_result_;
  bool started_ = false;
  std::vector<std::shared_ptr<Probe>> probes_;  // Shared with functions that are left behind.
};

}  // namespace reeve::worker
