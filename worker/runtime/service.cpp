#include "worker/runtime/service.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>

#include "worker/lifespan/environment.hpp"
#include "worker/lifespan/node.hpp"

namespace reeve::worker {
namespace {

/// Of the teardown's time: for what cancelled requests still have to close.
constexpr std::chrono::seconds kMostForRequests{2};

}  // namespace

Service::Service(const App& app, Surroundings surroundings)
    : app_(app),
      surroundings_(std::move(surroundings)),
      threads_(surroundings_.loop, app.threads(), &surroundings_.page),
      context_(surroundings_.loop, threads_),
      services_{context_,     app.router(),         threads_,         surroundings_.page, state_,
                app.limits(), surroundings_.timing, surroundings_.log},
      server_(services_),
      scheduler_(app.jobs(),
                 {context_, state_, surroundings_.page, surroundings_.log, surroundings_.tell}),
      runner_(
          context_, app.lifespan(), state_,
          [this](const LifespanEvent& event) { on_lifespan(event); },
          [this](Phase phase) { return own_part(phase); }, surroundings_.overrides) {
  state_.put(surroundings_.who);
}

void Service::drain(ipc::DrainKind kind, std::function<void()> drained) {
  services_.health.set_phase(HealthPhase::Draining);
  // A drain that becomes prompt comes here a second time: what counts is the last callback.
  const auto waits_for = std::make_shared<int>(2);
  const auto one_less = [waits_for, drained = std::move(drained)] {
    if (--*waits_for == 0 && drained) drained();  // A test may not care.
  };
  scheduler_.drain(one_less);
  server_.drain(kind, one_less);
}

void Service::set_ready() {
  services_.health.set_phase(HealthPhase::Ready);
  scheduler_.start();
}

std::vector<std::string> Service::cancel() {
  std::vector<std::string> cancelled = server_.cancel();
  std::ranges::move(scheduler_.cancel(), std::back_inserter(cancelled));
  return cancelled;
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
      if (surroundings_.listen) return surroundings_.listen(server_);
      return {};
    case Phase::Scheduler:
      return scheduler_.describe();
    case Phase::Connections:
      if (!surroundings_.watch_log) return {};
      watch_.emplace(Watch::Subject{.loop = surroundings_.loop,
                                    .occupation = context_.occupation(),
                                    .pool = threads_,
                                    .page = surroundings_.page},
                     app_.watch(), surroundings_.watch_log);
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
        surroundings_.overrides != nullptr ? surroundings_.overrides->find(type) : nullptr;
    if (replaced != nullptr) replaced->put(state_);
    return replaced != nullptr;
  };
  auto plans =
      RoutePlans::make(app_.router(), app_.request_values(), surroundings_.overrides, provided);
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
  const ipc::Duration left = deadline - ipc::Clock::now();
  const ipc::Duration limit =
      std::clamp<ipc::Duration>(left / 2, ipc::Duration{}, kMostForRequests);
  co_await services_.background->settled(limit);
  co_await runner_.close(deadline);
}

void Service::on_lifespan(const LifespanEvent& event) {
  const auto set_check = [this](const About& about, bool passing, std::string_view detail) {
    services_.health.set_check(about.name, passing, about.need == Need::Required,
                               redactor().redact(detail));
  };
  if (const auto* opening = std::get_if<Opening>(&event)) {
    lint_order(*opening);
  } else if (const auto* opened = std::get_if<Opened>(&event)) {
    order_lint_.opened(opened->about.name, opened->about.kind);
    set_check(opened->about, true, opened->about.note);
  } else if (const auto* noted = std::get_if<Noted>(&event)) {
    set_check(noted->about, true, noted->about.note);
  } else if (const auto* failed = std::get_if<OpenFailed>(&event)) {
    set_check(failed->about, false, failed->reason);
  }
  if (surroundings_.on_lifespan) surroundings_.on_lifespan(event);
}

/// What comes back later comes when it can.
void Service::lint_order(const Opening& opening) {
  if (services_.health.phase() != HealthPhase::Starting || opening.attempt > 1) return;
  const auto warning = order_lint_.opening(opening.about.name, opening.about.kind);
  if (warning && surroundings_.log) surroundings_.log(*warning);
}

}  // namespace reeve::worker
