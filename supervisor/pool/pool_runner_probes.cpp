// The probes of a pool: which of its workers is asked what, and what becomes of the answers.
#include <fmt/format.h>

#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include "ipc/base/counted.hpp"
#include "supervisor/config/probe.hpp"
#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {

Probing::Callbacks PoolRunner::probing_callbacks() {
  return {.ask = std::bind_front(&PoolRunner::ask, this),
          .on_verdict = std::bind_front(&PoolRunner::on_probe_verdict, this)};
}

void PoolRunner::update_probes() {
  std::vector<Probing::Wanted> wanted;
  for (const auto& [id, process] : processes_) {
    const Worker* worker = pool_.find(id);
    const Deployment* deployment = worker == nullptr ? nullptr : versions_.find(worker->generation);
    if (deployment == nullptr) continue;
    const auto* ready = std::get_if<ReadyProbe>(&deployment->config.ready);
    const auto& health = deployment->config.health;
    if (worker->awaits_ready() && ready != nullptr) {
      wanted.push_back({.worker = id, .probe = &ready->probe});
    } else if (worker->phase == WorkerPhase::Serving && health) {
      wanted.push_back({.worker = id, .probe = &health->probe, .health = &*health});
    } else if (probing_.knows(id)) {
      wanted.push_back({.worker = id});  // Its last answer may explain its end.
    }
  }
  if (!wanted.empty() || !probing_.empty()) probing_.update(wanted);
}

void PoolRunner::ask(WorkerId worker, const Probe& probe, OnProbeAnswer on_answer) {
  const Process* process = find(worker);
  const Deployment* deployment = process == nullptr ? nullptr : deployment_of(*process);
  if (deployment == nullptr || !process->pid()) return on_answer({});
  observer_.ask({.pool = deployment->config,
                 .probe = probe,
                 .who = process->identity(),
                 .pid = *process->pid()},
                std::move(on_answer));
}

void PoolRunner::on_probe_verdict(WorkerId worker, ProbeState::Verdict verdict) {
  const Process* process = find(worker);
  const Deployment* deployment = process == nullptr ? nullptr : deployment_of(*process);
  if (deployment == nullptr) return;
  if (verdict == ProbeState::Verdict::Ready) return feed(Ready{worker});
  if (!deployment->config.health) return;
  const HealthRule& rule = *deployment->config.health;
  const std::string name = name_of(process->identity().slot);
  const std::string lack = lack_of(rule.probe, deployment->config, process->identity().slot);
  const std::string last = probing_.last_answer(worker);
  switch (verdict) {
    case ProbeState::Verdict::Failing:
      log_.warn("{}: health: {} ({} of {}): {}", name, lack, probing_.failures(worker),
                rule.failures, last);
      return;
    case ProbeState::Verdict::Well:
      log_.info("{}: health: it is well again", name);
      return;
    case ProbeState::Verdict::Hung:
      return feed(Hung{worker, fmt::format("{}, {} in a row; last: {}", lack,
                                           ipc::counted(rule.failures, "time"), last)});
    case ProbeState::Verdict::None:
    case ProbeState::Verdict::Ready:
      return;
  }
}

}  // namespace reeve::supervisor
