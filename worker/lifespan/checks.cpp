#include "worker/lifespan/checks.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "worker/task/bounded_wait.hpp"
#include "worker/task/finally.hpp"
#include "worker/task/spawn.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {

struct CheckRunner::Probe : std::enable_shared_from_this<CheckRunner::Probe> {
  explicit Probe(const Check& what) : check(what) {}

  const Check& check;
  std::optional<ipc::TimePoint> answered;
  ipc::TimePoint asked{};
  bool busy = false;  // The function has not returned, even if nobody waits for it any more.
  WaitGroup flight;   // Callers meanwhile wait for the same answer.
  std::optional<ipc::uv::Timer> again;
};

CheckRunner::CheckRunner(Context& context, State& state, const std::vector<Check>& checks,
                         Applies applies, OnResult on_result)
    : context_(context),
      state_(state),
      applies_(std::move(applies)),
      on_result_(std::move(on_result)) {
  for (const Check& check : checks) {
    const auto& probe = probes_.emplace_back(std::make_shared<Probe>(check));
    Probe* const self = probe.get();
    probe->again.emplace(context.loop(), [this, self] {
      ask(*self);
      arm(*self);
    });
  }
}

CheckRunner::~CheckRunner() { stop(); }

void CheckRunner::start() {
  started_ = true;
  for (const auto& probe : probes_) {
    ask(*probe);
    arm(*probe);
  }
}

void CheckRunner::stop() {
  started_ = false;
  for (const auto& probe : probes_) probe->again->disarm();
}

void CheckRunner::arm(Probe& probe) const {
  const auto every = probe.check.options.every;
  if (started_ && every > every.zero()) probe.again->arm(every);
}

Task<> CheckRunner::refresh() {
  for (const auto& probe : probes_) ask(*probe);
  for (const auto& probe : probes_) co_await probe->flight.all_ended();
}

void CheckRunner::ask(Probe& probe) {
  const ipc::TimePoint now = ipc::Clock::now();
  if (probe.flight.count() > 0 || !applies_(probe.check)) return;
  if (probe.answered && now - *probe.answered < probe.check.options.cached_for) return;
  if (probe.busy) {
    const ipc::Duration lasted = now - probe.asked;
    return on_result_(
        {probe.check, false, fmt::format("no answer for {}", describe(lasted)), lasted});
  }
  probe.flight.begin();
  const auto shared = probe.shared_from_this();
  spawn(context_, answer(shared), [shared](const auto&) { shared->flight.end(); });
}

Task<> CheckRunner::answer(std::shared_ptr<Probe> probe) {
  probe->asked = ipc::Clock::now();
  const auto result = co_await BoundedWait(run(probe), probe->check.options.within);
  const ipc::TimePoint now = ipc::Clock::now();
  probe->answered = now;
  std::string reason = result ? "" : describe(result.error());
  if (!result && is_a<DeadlinePassed>(result.error()) && !probe->busy &&
      context_.threads().look().all_taken) {
    reason += ": every thread of the pool is taken, so it may have waited for one";
  }
  on_result_({probe->check, result.has_value(), std::move(reason), now - probe->asked});
}

Task<> CheckRunner::run(std::shared_ptr<Probe> probe) {
  probe->busy = true;
  const Finally ended([&probe] { probe->busy = false; });
  co_await probe->check.run(state_);
}

}  // namespace reeve::worker
