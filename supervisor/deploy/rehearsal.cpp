#include "supervisor/deploy/rehearsal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <utility>

#include "supervisor/core/process_name.hpp"

namespace reeve::supervisor {
namespace {

Verdicts verdict_of(const std::string& name, bool ok, std::string text) {
  return {ok ? success(name, "rehearsed", std::move(text))
             : refusal(name, "rehearsal_failed", std::move(text))};
}

}  // namespace

void Rehearsals::run(const std::string& pool, const PoolRunner::OnProgress& on_step,
                     const PendingCommands::OnVerdicts& on_verdicts) {
  file_.read([=, this](const ipc::Result<Config>& config) {
    begin(pool, config ? prepare(pool, *config) : std::unexpected(config.error()), on_step,
          on_verdicts);
  });
}

void Rehearsals::begin(const std::string& pool, ipc::Result<Deployment> deployment,
                       const PoolRunner::OnProgress& on_step,
                       const PendingCommands::OnVerdicts& on_verdicts) {
  const std::string name = pool + std::string(kRehearsalSuffix);
  if (!deployment) return on_verdicts(verdict_of(name, false, deployment.error().text));
  PoolRunner* runner = pools_.add_rehearsal(std::move(*deployment));
  if (runner == nullptr) {
    return on_verdicts(
        {refusal(name, "busy",
                 fmt::format("a rehearsal of {} is running; try again when it is done", pool))});
  }
  runner->tell_steps(on_step);
  const Rehearsal rehearsal{*runner, loop_.now(), on_verdicts};
  runner->start(
      pending_.open(
          1, [this, rehearsal](Verdicts verdicts) { started(rehearsal, std::move(verdicts)); }),
      {});
}

ipc::Result<Deployment> Rehearsals::prepare(const std::string& pool, const Config& config) const {
  const PoolConfig* found = find_pool(config, pool);
  if (found == nullptr) {
    return ipc::failure(fmt::format("{} has no pool.{}", file_.path(), pool));
  }
  ListenerSet listeners;
  for (const ListenerConfig& listener : listeners_of(config, *found)) {
    auto twin = private_twin(listener, pool);
    if (!twin) return std::unexpected(twin.error());
    listeners.push_back(std::move(*twin));
  }
  if (binds_ports(*found)) {
    return ipc::failure(fmt::format(
        "{} binds ports of its own, so none of its workers can be tried beside the others", pool));
  }
  PoolConfig alone = *found;
  // Exit code 0 is the end of one-shot work, and of no other.
  if (alone.spec.restart == RestartRule::Always) alone.spec.expected_exit.clear();
  alone.spec.name = pool + std::string(kRehearsalSuffix);
  alone.spec.workers = 1;
  alone.spec.restart = RestartRule::Never;
  alone.spec.recycle = {};
  return Deployment::of(std::move(alone), listeners);
}

ipc::Result<SharedListener> Rehearsals::private_twin(const ListenerConfig& listener,
                                                     const std::string& pool) const {
  ListenerConfig twin = listener;
  twin.sockets = Sockets::Shared;
  switch (listener.address.kind) {
    case ipc::Address::Kind::Unix:
      twin.address.path = fmt::format("{}/rehearsal-{}-{}.sock", runtime_dir_, pool, listener.name);
      break;
    case ipc::Address::Kind::Tcp6:
      twin.address.host = "::1";
      twin.address.port = 0;
      break;
    case ipc::Address::Kind::Tcp4:
    case ipc::Address::Kind::Systemd:
      twin.address = {.kind = ipc::Address::Kind::Tcp4, .host = "127.0.0.1", .port = 0, .path = {}};
      break;
  }
  auto opened = std::make_shared<Listener>(std::move(twin));
  if (auto done = opened->open(); !done) return std::unexpected(done.error());
  return opened;
}

void Rehearsals::started(const Rehearsal& rehearsal, Verdicts verdicts) {
  const std::string& name = rehearsal.pool.name();
  const bool is_ready =
      std::ranges::all_of(verdicts, [](const auto& verdict) { return verdict.ok; });
  if (!is_ready) {
    const std::string why = verdicts.empty() ? "it was stopped" : verdicts.front().text;
    const Verdicts verdict = verdict_of(name, false, "it did not become ready: " + why);
    // A start that failed for a shortage is tried again, and nobody would see that worker.
    rehearsal.pool.stop(
        pending_.open(1, [rehearsal, verdict](const Verdicts&) { rehearsal.on_verdicts(verdict); }),
        {});
    return;
  }
  if (!verdicts.empty() && verdicts.front().code == "finished") {
    rehearsal.on_verdicts(verdict_of(name, true, "it has done its work: " + verdicts.front().text));
    return;
  }
  const TimePoint now = loop_.now();
  const Duration ready_after = now - rehearsal.begun_at;
  rehearsal.pool.stop(
      pending_.open(1, [this, rehearsal, ready_after,
                        now](const Verdicts& stop) { stopped(rehearsal, ready_after, now, stop); }),
      {});
}

/// Ended by our own TERM is how programs end that do not handle it.
void Rehearsals::stopped(const Rehearsal& rehearsal, Duration ready_after, TimePoint drained_at,
                         const Verdicts& verdicts) const {
  const std::string how = verdicts.empty() || verdicts.front().text.empty()
                              ? rehearsal.pool.pool().slots().front().why
                              : verdicts.front().text;
  const auto death = rehearsal.pool.last_death(0);
  const bool by_itself = death && (death->clean() || death->signal == SIGTERM);
  const bool was_asked =
      std::ranges::all_of(verdicts, [](const auto& verdict) { return verdict.ok; });
  const bool ok = by_itself && was_asked;
  rehearsal.on_verdicts(
      verdict_of(rehearsal.pool.name(), ok,
                 fmt::format("ready after {}, {} {} ({})", short_duration(ready_after),
                             was_asked ? "its drain took" : "but it ended by itself, after",
                             short_duration(loop_.now() - drained_at), how)));
}

}  // namespace reeve::supervisor
