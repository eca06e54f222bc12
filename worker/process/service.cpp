#include "worker/process/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>

#include "ipc/base/counted.hpp"
#include "worker/lifespan/environment.hpp"
#include "worker/lifespan/node.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

/// The part of the teardown's time in which cancelled requests close what they have open.
constexpr std::chrono::seconds kMostForRequests{2};

}  // namespace

Service::Service(const App& app, Dependencies dependencies)
    : app_(app),
      dependencies_(std::move(dependencies)),
      threads_(dependencies_.loop, app.threads(), &dependencies_.page),
      context_(dependencies_.loop, threads_),
      services_{context_,     app.router(),         threads_,         dependencies_.page, state_,
                app.limits(), dependencies_.timing, dependencies_.log},
      server_(services_),
      scheduler_(app.scheduled_jobs(),
                 {context_, state_, dependencies_.page, dependencies_.log, dependencies_.tell}),
      runner_(
          context_, app.lifespan(), state_,
          [this](const LifespanEvent& event) { on_lifespan(event); },
          [this](Phase phase) { return own_part(phase); }, dependencies_.overrides,
          dependencies_.patience),
      checks_(
          context_, state_, app.lifespan().checks(),
          [this](const Check& check) {
            const Node* const node = runner_.keeper().find(check.name);
            return node == nullptr || node->state == NodeState::Open;
          },
          [this](const CheckResult& result) { on_check(result); }) {
  state_.put(dependencies_.who);
  if (checks_.empty()) return;
  services_.readiness = [this](const Request&) -> Task<Response> {
    if (services_.health.phase() == HealthPhase::Ready) co_await checks_.refresh();
    co_return services_.health.report();
  };
}

void Service::announce_drain() {
  drains_soon_ = true;
  if (services_.health.phase() == HealthPhase::Ready) {
    services_.health.set_phase(HealthPhase::Draining);
  }
}

void Service::set_ready() {
  services_.health.set_phase(drains_soon_ ? HealthPhase::Draining : HealthPhase::Ready);
  checks_.start();
  scheduler_.start();
}

void Service::drain(ipc::DrainKind kind, std::function<void()> drained) {
  services_.health.set_phase(HealthPhase::Draining);
  stop_tending();
  // A drain that becomes prompt comes here a second time: what counts is the last callback.
  const auto waits_for = std::make_shared<int>(2);
  const auto one_less = [waits_for, drained = std::move(drained)] {
    if (--*waits_for == 0 && drained) drained();  // A test may not care.
  };
  scheduler_.drain(one_less);
  server_.drain(kind, one_less);
}

Service::Cancelled Service::cancel() {
  Cancelled all;
  const auto add = [&all](std::vector<std::string> names, std::string_view what) {
    if (names.empty()) return;
    all.count +=
        fmt::format("{}{}", all.count.empty() ? "" : ", ", ipc::counted(names.size(), what));
    std::ranges::move(names, std::back_inserter(all.names));
  };
  add(server_.cancel(), "request");
  add(services_.background->cancel(), "background task");
  add(scheduler_.cancel(), "scheduled job");
  if (!all.count.empty()) all.count += " cancelled";
  return all;
}

void Service::stop_tending() {
  checks_.stop();
  runner_.stop_retrying();
}

std::vector<std::string> Service::waits_for() const {
  std::vector<std::string> what = server_.in_progress();
  const auto connections = dependencies_.page.connections.load(std::memory_order_relaxed);
  if (connections > what.size()) {
    what.push_back(fmt::format("{} idle connection(s)", connections - what.size()));
  }
  if (std::string background = services_.background->describe(); !background.empty()) {
    what.push_back(std::move(background));
  }
  std::ranges::move(scheduler_.running(), std::back_inserter(what));
  const ipc::TimePoint now = ipc::Clock::now();
  for (const auto& node : runner_.keeper().nodes()) {
    if (node->state != NodeState::Closing) continue;
    what.push_back(fmt::format("closing {} ({})", node->about.name, describe(now - node->since)));
  }
  return what;
}

std::expected<std::string, StartFailure> Service::own_part(Phase phase) {
  switch (phase) {
    case Phase::Environment:
      if (auto applied = apply(app_.environment(), redactor()); !applied) {
        return std::unexpected(
            StartFailure{ipc::WorkerExit::BadConfiguration, std::move(applied.error())});
      }
      return {};
    case Phase::Listening:
      if (auto planned = plan_routes(); !planned) {
        return std::unexpected(
            StartFailure{ipc::WorkerExit::InternalError, std::move(planned.error())});
      }
      if (dependencies_.listen) return dependencies_.listen(server_);
      return {};
    case Phase::Scheduler:
      return scheduler_.describe();
    case Phase::Connections:
      if (!dependencies_.watch_log) return {};
      watch_.emplace(Watch::Dependencies{.loop = dependencies_.loop,
                                         .loop_activity = context_.loop_activity(),
                                         .pool = threads_,
                                         .page = dependencies_.page},
                     app_.watch(), dependencies_.watch_log);
      return {};
    case Phase::Providers:
      return {};
  }
  return {};
}

// Here, since by now everything is open that the lifespan opens.
std::expected<void, std::string> Service::plan_routes() {
  const auto provided = [this](std::type_index type) {
    if (opens(type)) return true;
    const Override* const replaced =
        dependencies_.overrides != nullptr ? dependencies_.overrides->find(type) : nullptr;
    if (replaced != nullptr) replaced->put(state_);
    return replaced != nullptr;
  };
  auto plans =
      RoutePlans::make(app_.router(), app_.request_values(), dependencies_.overrides, provided);
  if (!plans) return std::unexpected(std::move(plans.error()));
  services_.plans = std::move(*plans);
  services_.background->limit(app_.background(), app_.threads().threads);
  return {};
}

/// Also an optional resource that is down.
bool Service::opens(std::type_index type) const {
  const auto is_it = [type](const auto& node) {
    return node->resource.type != nullptr && *node->resource.type == type;
  };
  return state_.has(type) || std::ranges::any_of(runner_.keeper().nodes(), is_it);
}

bool Service::makes(std::type_index type) const {
  return opens(type) || app_.request_values().find(type) != nullptr;
}

Task<> Service::close(ipc::TimePoint deadline) {
  stop_tending();
  const ipc::Duration left = deadline - ipc::Clock::now();
  const ipc::Duration limit =
      std::clamp<ipc::Duration>(left / 2, ipc::Duration{}, kMostForRequests);
  co_await services_.background->settled(limit);
  co_await runner_.close(deadline);
}

void Service::on_lifespan(const LifespanEvent& event) {
  if (const auto* opening = std::get_if<Opening>(&event)) {
    lint_order(*opening);
  } else if (const auto* opened = std::get_if<Opened>(&event)) {
    order_lint_.opened(opened->about.name, opened->about.kind);
    show(opened->about, true, opened->about.note, opened->took);
  } else if (const auto* failed = std::get_if<OpenFailed>(&event)) {
    show(failed->about, false, failed->reason, std::nullopt);
  } else if (const auto* noted = std::get_if<Noted>(&event)) {
    const HealthCheck* const known = services_.health.find(noted->about.name);
    if (known != nullptr && known->passing) {
      show(noted->about, true, noted->about.note, known->latency);
    }
  }
  if (dependencies_.on_lifespan) dependencies_.on_lifespan(event);
}

void Service::show(const About& about, bool passing, std::string_view detail,
                   std::optional<ipc::Duration> took) {
  services_.health.set_check({.name = about.name,
                              .passing = passing,
                              .required = about.need == Need::Required,
                              .detail = redactor().redact(detail),
                              .latency = took});
}

/// Only the first opening counts: a resource that comes back later comes when it can.
void Service::lint_order(const Opening& opening) {
  if (services_.health.phase() != HealthPhase::Starting || opening.attempt > 1) return;
  const auto warning = order_lint_.opening(opening.about.name, opening.about.kind);
  if (warning && dependencies_.log) dependencies_.log(*warning);
}

void Service::on_check(const CheckResult& result) {
  const Check& check = result.check;
  const Node* const node = runner_.keeper().find(check.name);
  About about{.name = check.name, .note = {}};
  if (node != nullptr) about = node->about;
  about.need = check.options.need.value_or(about.need);

  const HealthCheck* const before = services_.health.find(check.name);
  const bool changed = before == nullptr ? !result.passed : before->passing != result.passed;
  show(about, result.passed, result.passed ? about.note : result.reason, result.latency);
  if (!changed || !dependencies_.on_lifespan) return;
  dependencies_.on_lifespan(
      Checked{about, result.passed, result.reason, result.latency, node != nullptr});
}

}  // namespace reeve::worker
