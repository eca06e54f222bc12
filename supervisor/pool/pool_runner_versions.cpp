// The versions of a pool: the one that is deployed, the one before it, and the canary that decides
// between them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "supervisor/pool/pool_runner.hpp"

namespace reeve::supervisor {
namespace {

/// Between two lines of figures.
constexpr Duration kLongestSilence = std::chrono::seconds(5);
constexpr Duration kShortestSilence = std::chrono::milliseconds(100);
constexpr int kLinesAWatch = 6;

bool holds(const ListenerSet& listeners, const SharedListener& listener) {
  return std::ranges::find(listeners, listener) != listeners.end();
}

bool differs(const Deployment& one, const Deployment& other) {
  return one.config != other.config || one.listeners != other.listeners;
}

/// A canary that has crashed or is taken back is not watched any more.
bool serves(const Pool& pool, Generation canaries) {
  bool any = false;
  for (const auto& [id, worker] : pool.workers()) {
    if (worker.generation != canaries) continue;
    if (worker.phase != WorkerPhase::Serving) return false;
    any = true;
  }
  return any;
}

void add_to(ListenerSet& all, const ListenerSet& more) {
  for (const SharedListener& listener : more) {
    if (!holds(all, listener)) all.push_back(listener);
  }
}

}  // namespace

void PoolRunner::deploy(CommandId command, Deployment next, std::optional<Canary> canary,
                        OnProgress on_progress) {
  adoption_.reset();
  held_for_.clear();
  if (!open_listeners_for(command, next.listeners)) return;
  PoolSpec spec = next.config.spec;
  // What an operator has scaled to stays, unless the configured number is another one now.
  if (spec.workers == deployment().config.spec.workers) spec.workers = pool_.spec().workers;
  if (!pool_.rolling()) {
    deployments_.insert_or_assign(pool_.upcoming_generation(), std::move(next));
    deploying_ = command;
    on_progress_ = std::move(on_progress);
  }
  feed(RollRequested{command, {}, std::move(spec), canary});
}

void PoolRunner::adopt(Deployment next) {
  adoption_ = std::move(next);
  adopt_when_gone();
}

/// The core has nothing to decide here: a pool of which nothing runs begins anew, one generation
/// further.
void PoolRunner::adopt_when_gone() {
  if (!adoption_ || feeding_ || !pool_.quiet() || !is_down()) return;
  std::optional<PoolState> state = pool_.state();
  if (!state) return;
  Deployment next = *std::exchange(adoption_, std::nullopt);
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
  pool_ = Pool(std::move(*state), ++seed_, now);
  deployments_.insert_or_assign(generation, std::move(next));
  versions_settled();
  close_listeners();
  log_.info("{}: generation {} is adopted, and started when it is asked for", name(),
            static_cast<std::uint64_t>(generation));
  observer_.changed();
}

/// No roll is running: of all versions only the one in force can start workers.
void PoolRunner::versions_settled() {
  const Generation in_force = pool_.generation();
  if (in_force != settled_generation_) {
    auto old = deployments_.extract(std::exchange(settled_generation_, in_force));
    if (!old.empty() && differs(old.mapped(), deployment())) previous_ = std::move(old.mapped());
  }
  std::erase_if(deployments_, [in_force](const auto& entry) { return entry.first != in_force; });
  if (!previous_) return;
  // Nobody accepts from them: whoever connected would wait for ever.
  for (const SharedListener& listener : previous_->listeners) {
    if (!holds(deployment().listeners, listener) && !observer_.used_elsewhere(*this, *listener)) {
      listener->close();
    }
  }
}

void PoolRunner::hold(std::string why) {
  held_for_ = std::move(why);
  observer_.changed();
}

ListenerSet PoolRunner::listeners() const {
  ListenerSet all;
  for (const auto& [generation, deployment] : deployments_) add_to(all, deployment.listeners);
  if (adoption_) add_to(all, adoption_->listeners);
  return all;
}

std::string PoolRunner::activity() const {
  if (canary_ && serves(pool_, canary_->generation)) return "watching its canary";
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

std::optional<Death> PoolRunner::last_death(int slot) const {
  const auto found = last_deaths_.find(slot);
  return found == last_deaths_.end() ? std::nullopt : std::optional(found->second);
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
  const TimePoint now = loop_.now();
  const Duration watch = order.until - now;
  canary_ =
      CanaryWatch{.command = order.command,
                  .generation = generation,
                  .every = std::clamp(watch / kLinesAWatch, kShortestSilence, kLongestSilence),
                  .begun_at = now,
                  .ledger = {}};
  take_figures();
  canary_timer_.arm(canary_->every);
  const std::string line =
      fmt::format("generation {}: canary {} ready, watching for {}",
                  static_cast<std::uint64_t>(generation), canaries, short_duration(watch));
  log_.info("{}: {}", name(), line);
  observer_.happened("deploy", name(), line);
  tell(line);
}

void PoolRunner::look_at_canary() {
  if (!canary_ || !serves(pool_, canary_->generation)) return;
  take_figures();
  const CanaryFigures figures = canary_->ledger.figures();
  const CanaryVerdict verdict = judge(figures, Moment::Midway);
  tell(fmt::format("after {}: {}", short_duration(loop_.now() - canary_->begun_at),
                   describe(figures)));
  if (verdict.good) {
    canary_timer_.arm(canary_->every);
    return;
  }
  log_.warn("{}: {}", name(), verdict.text);
  tell(verdict.text);
  feed(Judged{.command = canary_->command, .good = false, .text = verdict.text});
}

void PoolRunner::perform(const Judge& order) {
  if (!canary_ || canary_->command != order.command) {
    // Nobody watched: there is nothing to hold against it.
    feed(Judged{.command = order.command, .good = true, .text = ""});
    return;
  }
  take_figures();
  canary_timer_.disarm();
  CanaryVerdict verdict = judge(canary_->ledger.figures(), Moment::AtEnd);
  canary_.reset();
  log_.write(verdict.good ? LogLevel::Info : LogLevel::Warn,
             fmt::format("{}: {}", name(), verdict.text));
  observer_.happened("deploy", name(), verdict.text);
  tell(verdict.text);
  feed(Judged{.command = order.command, .good = verdict.good, .text = std::move(verdict.text)});
}

void PoolRunner::take_figures() {
  for (const auto& [id, process] : processes_) {
    const Worker* worker = pool_.find(id);
    if (worker == nullptr || worker->phase != WorkerPhase::Serving) continue;
    const Side side = worker->generation == canary_->generation ? Side::Canary : Side::Old;
    canary_->ledger.observe(id, side, ipc::read(process->recorder_page(), loop_.now()));
  }
}

/// It is gone, its recorder is still there.
void PoolRunner::take_last_figures(const Process& process, bool crashed) {
  if (!canary_) return;
  const Process::Identity& who = process.identity();
  const Worker* worker = pool_.find(who.worker);
  if (worker == nullptr || !worker->was_ready) return;
  const Side side = who.generation == canary_->generation ? Side::Canary : Side::Old;
  canary_->ledger.observe(who.worker, side, ipc::read(process.recorder_page(), loop_.now()));
  if (crashed) canary_->ledger.crashed(who.worker);
}

}  // namespace reeve::supervisor
