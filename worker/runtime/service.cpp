#include "worker/runtime/service.hpp"

#include <utility>

#include "worker/lifespan/environment.hpp"

namespace reeve::worker {

Service::Service(const App& app, Surroundings surroundings)
    : app_(app),
      surroundings_(std::move(surroundings)),
      threads_(surroundings_.loop, app.threads(), &surroundings_.page),
      context_(surroundings_.loop, threads_),
      services_{context_,     app.router(),         threads_,         surroundings_.page, state_,
                app.limits(), surroundings_.timing, surroundings_.log},
      server_(services_),
      runner_(
          context_, app.lifespan(), state_,
          [this](const LifespanEvent& event) { on_lifespan(event); },
          [this](Phase phase) { return own_part(phase); }, surroundings_.overrides) {
  state_.put(surroundings_.who);
}

void Service::drain(ipc::DrainKind kind, std::function<void()> drained) {
  services_.health.set_phase(HealthPhase::Draining);
  server_.drain(kind, std::move(drained));
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
      if (surroundings_.listen) return surroundings_.listen(server_);
      return {};
    case Phase::Connections:
      if (!surroundings_.watch_log) return {};
      watch_.emplace(Watch::Subject{.loop = surroundings_.loop,
                                    .occupation = context_.occupation(),
                                    .pool = threads_,
                                    .page = surroundings_.page},
                     app_.watch(), surroundings_.watch_log);
      return {};
    case Phase::Providers:
    case Phase::Scheduler:
      return {};
  }
  return {};
}

void Service::on_lifespan(const LifespanEvent& event) {
  const auto set_check = [this](const About& about, bool passing, std::string_view detail) {
    services_.health.set_check(about.name, passing, about.need == Need::Required,
                               redactor().redact(detail));
  };
  if (const auto* opened = std::get_if<Opened>(&event)) {
    set_check(opened->about, true, opened->about.note);
  } else if (const auto* failed = std::get_if<OpenFailed>(&event)) {
    set_check(failed->about, false, failed->reason);
  }
  if (surroundings_.on_lifespan) surroundings_.on_lifespan(event);
}

}  // namespace reeve::worker
