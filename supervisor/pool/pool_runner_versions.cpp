// The versions of a pool: the one that is deployed, the one before it, and the canary that decides
// between them.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {

void PoolRunner::deploy(CommandId command, Deployment next, std::optional<Canary> canary,
                        OnProgress on_progress) {
  versions_.forget_waiting();
  held_for_.clear();
  if (!open_listeners_for(command, next.listeners)) return;
  PoolSpec spec = next.config.spec;
  // What an operator has scaled to stays, unless the configured number is another one now.
  if (spec.workers == deployment().config.spec.workers) spec.workers = pool_.spec().workers;
  if (!pool_.rolling()) {
    versions_.prepare(pool_.upcoming_generation(), std::move(next));
    deploying_ = command;
    on_progress_ = std::move(on_progress);
  }
  feed(RollRequested{command, {}, std::move(spec), canary});
}

void PoolRunner::adopt(Deployment next) {
  versions_.wait(std::move(next));
  adopt_when_gone();
}

/// The core has nothing to decide here: a pool of which nothing runs begins anew, one generation
/// further.
void PoolRunner::adopt_when_gone() {
  if (versions_.waiting() == nullptr || feeding_ || !pool_.quiet() || !is_down()) return;
  std::optional<PoolState> state = pool_.state();
  if (!state) return;
  Deployment next = *versions_.take_waiting();
  const TimePoint now = loop_.now();
  const Generation generation = pool_.upcoming_generation();
  state->spec = next.config.spec;
  state->generation = generation;
  state->last_generation = generation;
  state->measure_at.reset();
  state->slots.clear();
  for (int i = 0; i < state->spec.workers; ++i) {
    Slot& slot = state->slots.emplace_back();
    slot.index = i;
    slot.since = now;
    slot.why = "stopped; its configuration has changed since";
  }
  ++seed_;
  pool_ = Pool(std::move(*state), seed_, now);
  versions_.prepare(generation, std::move(next));
  versions_settled();
  close_listeners();
  log_.info("{}: generation {} is adopted, and started when it is asked for", name(),
            static_cast<std::uint64_t>(generation));
  observer_.changed();
}

void PoolRunner::versions_settled() {
  versions_.settle(pool_.generation());
  // Nobody accepts from them: whoever connected would wait for ever.
  listeners_.close(versions_.listeners_of_the_past());
}

void PoolRunner::hold(std::string why) {
  held_for_ = std::move(why);
  observer_.changed();
}

std::string PoolRunner::activity() const {
  if (canary_.watching()) return "watching its canary";
  if (!pool_.rolling()) return "";
  const auto replaced = std::ranges::count_if(pool_.slots(), [this](const Slot& slot) {
    const Worker* worker = slot.current ? pool_.find(*slot.current) : nullptr;
    return worker != nullptr && worker->generation > pool_.generation() && worker->was_ready;
  });
  return fmt::format("{} of {} replaced", replaced, pool_.slots().size());
}

void PoolRunner::tell(const std::string& line) const {
  if (on_progress_) on_progress_(line);
}

void PoolRunner::tell_step(const Process& process, const std::string& step) const {
  if (!on_step_) return;
  const Worker* worker = pool_.find(process.identity().worker);
  const Duration age = worker == nullptr ? Duration{} : loop_.now() - worker->forked_at;
  on_step_(fmt::format("{:>8}  {}", short_duration(age), step));
}

void PoolRunner::perform(const Watch& order) {
  std::string canaries;
  Generation generation = pool_.generation();
  for (const WorkerId id : order.canaries) {
    const Process* process = find(id);
    if (process == nullptr) continue;
    generation = process->identity().generation;
    canaries += fmt::format("{}{} (pid {})", canaries.empty() ? "" : ", ",
                            name_of(process->identity().slot), process->pid().value_or(0));
  }
  const Duration watch = order.until - loop_.now();
  canary_.begin(order.command, generation, watch);
  const std::string line =
      fmt::format("generation {}: canary {} ready, watching for {}",
                  static_cast<std::uint64_t>(generation), canaries, short_duration(watch));
  log_.info("{}: {}", name(), line);
  observer_.happened("deploy", *this, {}, line);
  tell(line);
}

void PoolRunner::perform(const Judge& order) {
  const std::optional<CanaryVerdict> verdict = canary_.end(order.command);
  if (!verdict) {
    // Nobody watched: there is nothing to hold against it.
    feed(Judged{.command = order.command, .good = true, .text = ""});
    return;
  }
  log_.write(verdict->good ? LogLevel::Info : LogLevel::Warn,
             fmt::format("{}: {}", name(), verdict->text));
  observer_.happened("deploy", *this, {}, verdict->text);
  tell(verdict->text);
  feed(Judged{.command = order.command, .good = verdict->good, .text = verdict->text});
}

CanaryWatch::Callbacks PoolRunner::canary_callbacks() {
  return {.look = std::bind_front(&PoolRunner::observe_workers, this),
          .on_figures = std::bind_front(&PoolRunner::tell, this),
          .on_bad = std::bind_front(&PoolRunner::canary_is_bad, this)};
}

std::vector<CanaryWatch::Observed> PoolRunner::observe_workers() const {
  std::vector<CanaryWatch::Observed> all;
  for (const auto& [id, process] : processes_) {
    const Worker* worker = pool_.find(id);
    if (worker == nullptr) continue;
    all.push_back({.worker = id,
                   .generation = worker->generation,
                   .serves = worker->phase == WorkerPhase::Serving,
                   .reading = ipc::read(process->recorder_page(), loop_.now())});
  }
  return all;
}

bool PoolRunner::call_off_canary(const std::string& why) {
  if (!canary_.watching() || !deploying_) return false;
  canary_is_bad(*deploying_, why);
  return true;
}

void PoolRunner::canary_is_bad(CommandId command, const std::string& why) {
  log_.warn("{}: {}", name(), why);
  tell(why);
  feed(Judged{.command = command, .good = false, .text = why});
}

}  // namespace reeve::supervisor
