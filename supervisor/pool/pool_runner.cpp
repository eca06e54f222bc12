#include "supervisor/pool/pool_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <utility>
#include <variant>

#include "supervisor/process/measure.hpp"
#include "supervisor/process/spawner.hpp"

namespace reeve::supervisor {
namespace {

std::uint64_t number(Generation generation) { return static_cast<std::uint64_t>(generation); }

/// How loud a change of state is.
LogLevel level_of(SlotState to, bool after_a_death) {
  switch (to) {
    case SlotState::Fatal:
      return LogLevel::Error;
    case SlotState::Backoff:
      return LogLevel::Warn;
    case SlotState::Starting:
      return after_a_death ? LogLevel::Warn : LogLevel::Info;
    case SlotState::Stopped:
    case SlotState::Running:
    case SlotState::Stopping:
    case SlotState::Exited:
      return LogLevel::Info;
  }
  std::unreachable();
}

}  // namespace

PoolRunner::PoolRunner(Dependencies dependencies, Deployment deployment, std::uint32_t seed)
    : loop_(dependencies.loop),
      log_(dependencies.log),
      launcher_(dependencies.launcher),
      observer_(dependencies.observer),
      seed_(seed),
      pool_(deployment.config.spec, seed, loop_.now()),
      versions_(pool_.generation(), std::move(deployment)),
      listeners_(loop_, log_, used_elsewhere()),
      lease_(log_, pool_, lease_callbacks()),
      canary_(loop_, canary_callbacks()),
      deaths_(loop_, log_),
      steering_(loop_, [this] { look_who_accepts(); }),
      probing_(loop_, probing_callbacks()),
      tails_(log_.tail_budget()),
      timer_(loop_, [this] { on_timer(); }),
      look_timer_(loop_, [this] { look_at_what_is_left(); }) {}

PoolRunner::~PoolRunner() = default;

Process* PoolRunner::find(pid_t pid) const {
  const auto found = by_pid_.find(pid);
  return found == by_pid_.end() ? nullptr : found->second;
}

Process* PoolRunner::find(WorkerId worker) const {
  const auto found = processes_.find(worker);
  return found == processes_.end() ? nullptr : found->second.get();
}

void PoolRunner::conclude(pid_t pid) const {
  Process* process = find(pid);
  if (process == nullptr) return;
  const Worker* worker = pool_.find(process->identity().worker);
  const bool is_killed = worker == nullptr || worker->phase == WorkerPhase::Killed;
  process->conclude(stop_rule_of(*process), is_killed);
}

void PoolRunner::executed(Process& process) { feed(Started{process.identity().worker}); }

void PoolRunner::on_message(Process& process, const ipc::WorkerMessage& message) {
  const Process::Identity& who = process.identity();
  const Deployment* deployment = versions_.find(who.generation);
  const bool by_notify =
      deployment == nullptr || std::holds_alternative<ReadyNotify>(deployment->config.ready);
  if (message.step) {
    log_.debug("{}: {}", name_of(who.slot), *message.step);
    tell_step(process, *message.step);
  }
  if (message.status) tell_step(process, fmt::format("says: {}", *message.status));
  if (message.ready) tell_step(process, "says that it is ready");
  if (message.extend_timeout) feed(Extended{who.worker, *message.extend_timeout});
  if (message.ready && by_notify) feed(Ready{who.worker});
  if (message.stopping) feed(Leaving{who.worker});
  if (!is_rehearsal() && !process.is_over()) lease_.on_message(member_of(process), message);
}

void PoolRunner::printed(Process& process, Stream stream, std::string_view line) {
  const Process::Identity& who = process.identity();
  log_.worker_line(
      {.process = name_of(who.slot), .pool = name(), .slot = who.slot, .stream = stream}, line);
  tails_.of(who.slot).append(line);
  look_for_ready(who, line);
}

void PoolRunner::printed_part(Process& process, std::string_view part) {
  tails_.of(process.identity().slot).show_part(part);
  look_for_ready(process.identity(), part);
}

void PoolRunner::look_for_ready(const Process::Identity& who, std::string_view line) {
  const Deployment* deployment = versions_.find(who.generation);
  if (deployment == nullptr || !deployment->ready_log) return;
  const Worker* worker = pool_.find(who.worker);
  const bool waits = worker != nullptr && worker->awaits_ready();
  if (waits && deployment->ready_log->matches(line)) feed(Ready{who.worker});
}

/// One event at a time: what an order causes waits until the orders before it are carried out.
void PoolRunner::feed(Event event) {
  events_.push_back(std::move(event));
  if (std::exchange(feeding_, true)) return;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    for (const Action& action : pool_.on(next, loop_.now())) {
      std::visit([this](const auto& order) { perform(order); }, action);
    }
  }
  feeding_ = false;
  lease_.settle();
  steering_.steer(pool_, processes_);
  steering_.sweep(pool_);
  update_probes();
  if (!pool_.rolling()) versions_settled();
  adopt_when_gone();
  const bool scaled_to_none = pool_.slots().empty() && pool_.quiet();
  if (!pool_.rolling() && (is_out_of_service() || scaled_to_none)) close_listeners();
  forget_tails();
  arm_timer();
}

/// A slot that was scaled away takes its tail along, once the last of its workers has gone.
void PoolRunner::forget_tails() {
  int end = static_cast<int>(pool_.slots().size());
  if (tails_.end() <= end) return;
  for (const auto& [worker, process] : processes_)
    end = std::max(end, process->identity().slot + 1);
  tails_.shrink_to(end);
}

void PoolRunner::arm_timer() {
  if (const auto deadline = pool_.next_deadline()) {
    timer_.arm(std::max(Duration::zero(), *deadline - loop_.now()));
  } else {
    timer_.disarm();
  }
}

void PoolRunner::on_timer() {
  if (const auto due = pool_.next_measurement(); due && *due <= loop_.now()) measure_workers();
  feed(Tick{});
}

/// What has already come is read first: a sign of life in a queue is one.
void PoolRunner::measure_workers() {
  observer_.read_pending();
  const bool with_memory = pool_.spec().recycle.memory_bytes.has_value();
  std::vector<Measured> found;
  for (const auto& [worker, process] : processes_) {
    if (process->pid()) found.push_back(measure(*process, loop_.now(), with_memory));
  }
  for (const Measured& each : found) feed(each);
}

void PoolRunner::perform(const Fork& order) {
  const Deployment& deployment = versions_.at(order.generation);
  auto worker_sockets = steering_.sockets_for(order.slot, deployment.listeners);
  if (!worker_sockets) {
    feed(ForkFailed{order.worker, worker_sockets.error().text,
                    is_shortage(worker_sockets.error().code)});
    return;
  }
  auto process = launcher_.launch(
      deployment, {.worker = order.worker, .slot = order.slot, .generation = order.generation},
      std::move(*worker_sockets), *this);
  if (!process) {
    feed(ForkFailed{order.worker, process.error().text, is_shortage(process.error().code)});
    return;
  }
  if (stop_announced_) [[maybe_unused]]
    const auto tolerated = (*process)->tell({.not_ready = true});
  const pid_t pid = *(*process)->pid();
  by_pid_.emplace(pid, process->get());
  processes_.emplace(order.worker, std::move(*process));
  // A slot that starts says so itself; one that gets a successor does not change its state.
  const auto& slot = pool_.slots()[static_cast<std::size_t>(order.slot)];
  tell(fmt::format("generation {}: {} started as pid {}", number(order.generation),
                   name_of(order.slot), pid));
  log_.write(slot.successor == order.worker ? LogLevel::Info : LogLevel::Debug,
             fmt::format("{}: started pid {} (generation {})", name_of(order.slot), pid,
                         number(order.generation)));
}

void PoolRunner::perform(const Drain& order) {
  const auto found = processes_.find(order.worker);
  if (found == processes_.end()) return;  // It has just failed to fork.
  Process& process = *found->second;
  const Process::Identity& who = process.identity();
  log_.write(
      is_current(who) ? LogLevel::Debug : LogLevel::Info,
      fmt::format("{}: pid {} (generation {}) drains, {}", name_of(who.slot),
                  process.pid().value_or(0), number(who.generation), ipc::to_string(order.kind)));
  tell(fmt::format("{}: pid {} of generation {} drains", name_of(who.slot),
                   process.pid().value_or(0), number(who.generation)));
  drain(process, order.kind);
}

void PoolRunner::perform(const TellToReload& order) {
  Process* process = find(order.worker);
  if (process == nullptr) return;
  const Process::Identity& who = process->identity();
  const Deployment* deployment = versions_.find(who.generation);
  const int signal = deployment == nullptr ? 0 : deployment->config.reload_signal.value_or(0);
  if (signal == 0) return;
  log_.info("{}: pid {} is told to reload, by SIG{}", name_of(who.slot), process->pid().value_or(0),
            ::sigabbrev_np(signal));
  process->signal(signal);
}

bool PoolRunner::is_current(const Process::Identity& who) const {
  const auto index = static_cast<std::size_t>(who.slot);
  return index < pool_.slots().size() && pool_.slots()[index].current == who.worker;
}

/// A worker with worker sockets of its own leaves them first; where nobody else serves, the pool's
/// own quiesce has seen to that.
void PoolRunner::drain(Process& process, DrainKind kind) {
  const WorkerId worker = process.identity().worker;
  steering_.forget(worker);
  if (kind == DrainKind::Prompt || process.worker_sockets().empty()) {
    process.drain(kind, stop_rule_of(process));
    return;
  }
  steering_.steer(pool_, processes_);
  steering_.leave(process, [this, worker] {
    if (const auto found = processes_.find(worker); found != processes_.end()) {
      found->second->drain(DrainKind::Patient, stop_rule_of(*found->second));
    }
  });
}

void PoolRunner::look_who_accepts() {
  steering_.look(pool_, processes_, [this](WorkerId worker, bool stands_still) {
    const Process& process = *processes_.at(worker);
    const std::string who = name_of(process.identity().slot);
    std::string text = fmt::format("pid {} accepts again", process.leader());
    if (stands_still) {
      const int waiting = waiting_at(process.worker_sockets());
      text = fmt::format("pid {} accepts nothing; {} connection{} for it, new ones go to others",
                         process.leader(), waiting, waiting == 1 ? " waits" : "s wait");
    }
    log_.write(stands_still ? LogLevel::Warn : LogLevel::Info, fmt::format("{}: {}", who, text));
    observer_.happened("accept", *this, process.identity().slot, text);
  });
}

std::optional<int> PoolRunner::waiting_for(const Process& process) const {
  if (!steering_.stands_still(process.identity().worker)) return std::nullopt;
  return waiting_at(process.worker_sockets());
}

StopRule PoolRunner::stop_rule_of(const Process& process) const {
  const Deployment* deployment = deployment_of(process);
  return deployment == nullptr ? process.stop_at_launch() : deployment->config.stop;
}

void PoolRunner::perform(const Changed& order) {
  const auto& slots = pool_.slots();
  const auto index = static_cast<std::size_t>(order.slot);
  const std::optional<pid_t> dead = deaths_.untold();
  std::string about = order.why;
  if (index < slots.size()) {  // Not scaled away.
    const Slot& slot = slots[index];
    const Process* current = slot.current ? find(*slot.current) : nullptr;
    if (dead) {
      about = fmt::format("pid {}: {}", *dead, about);
    } else if (current != nullptr) {
      about = fmt::format("pid {}, {}", current->pid().value_or(0), about);
    }
    if (slot.retry_at) {
      about = fmt::format("tries again in {}, after: {}",
                          short_duration(*slot.retry_at - loop_.now()), about);
    }
    deaths_.told();
  }
  const std::string change =
      order.from == order.to  // Its worker was recycled, or could not be.
          ? std::string(to_string(order.to))
          : fmt::format("{} → {}", to_string(order.from), to_string(order.to));
  const std::string line = fmt::format("{} ({})", change, about);
  log_.write(level_of(order.to, dead.has_value()),
             fmt::format("{}: {}", name_of(order.slot), line));
  observer_.happened("state", *this, order.slot, line);
  observer_.changed();
  if (order.to != SlotState::Running || index >= slots.size() || !slots[index].current) return;
  if (const Process* up = find(*slots[index].current)) look_below_a_shell(*up);
}

void PoolRunner::perform(const Replaced& order) {
  const auto index = static_cast<std::size_t>(order.slot);
  if (order.command != deploying_ || !on_started_ || index >= pool_.slots().size()) return;
  const Slot& slot = pool_.slots()[index];
  if (slot.finished || slot.state == SlotState::Running) {
    const Outcome outcome = slot.finished ? Outcome::Finished : Outcome::Started;
    on_started_(render(name(), pool_.slots().size(), {order.slot, outcome, {}, {}}, {}));
  }
}

void PoolRunner::perform(const Finished& order) {
  Verdicts verdicts;
  for (const SlotVerdict& verdict : order.verdicts) {
    const auto lines = verdict.culprit ? last_lines(*verdict.culprit) : std::vector<std::string>{};
    verdicts.push_back(render(name(), pool_.slots().size(), verdict, lines));
  }
  if (order.command == deploying_) {
    deploying_.reset();
    on_progress_ = nullptr;
    on_started_ = nullptr;
    canary_.cancel();
  }
  if (pool_.quiet() && is_down()) close_listeners();
  observer_.finished(order.command, std::move(verdicts));
}

std::vector<std::string> PoolRunner::last_lines(WorkerId worker) const {
  if (const Process* process = find(worker)) {
    return {process->last_lines().begin(), process->last_lines().end()};
  }
  return deaths_.last_lines(worker);
}

PoolListeners::UsedElsewhere PoolRunner::used_elsewhere() const {
  return [this](const Listener& listener) { return observer_.used_elsewhere(*this, listener); };
}

ScheduleLease::Callbacks PoolRunner::lease_callbacks() {
  return {.find = [this](WorkerId worker) -> std::optional<ScheduleLease::Member> {
            const Process* process = find(worker);
            if (process == nullptr) return std::nullopt;
            return member_of(*process);
          },
          .tell = [this](WorkerId worker, const ipc::MasterMessage& message) -> ipc::Result<> {
            const Process* process = find(worker);
            if (process == nullptr) return ipc::failure("it has ended");
            return process->tell(message);
          },
          .on_event =
              [this](const std::string& text) { observer_.happened("lease", *this, {}, text); }};
}

ScheduleLease::Member PoolRunner::member_of(const Process& process) const {
  const Process::Identity& who = process.identity();
  return {.worker = who.worker,
          .name = name_of(who.slot),
          .pid = process.pid().value_or(0),
          .generation = who.generation};
}

bool PoolRunner::is_up() const {
  return std::ranges::all_of(pool_.slots(), [](const Slot& slot) {
    return slot.state == SlotState::Running || slot.finished;
  });
}

std::optional<TimePoint> PoolRunner::start_ends_at() const {
  TimePoint end{};
  for (const Slot& slot : pool_.slots()) {
    switch (slot.state) {
      case SlotState::Starting:
      case SlotState::Backoff:
        if (slot.policy.failures() == 0) return std::nullopt;
        end = std::max(end, slot.asked_at + pool_.spec().start_timeout);
        break;
      case SlotState::Running:
      case SlotState::Exited:
      case SlotState::Fatal:
      case SlotState::Stopped:
      case SlotState::Stopping:
        break;
    }
  }
  return end;
}

std::string PoolRunner::not_up() const {
  std::string text;
  for (const Slot& slot : pool_.slots()) {
    if (slot.state == SlotState::Running || slot.finished) continue;
    if (slot.state == SlotState::Stopped && held_for_.empty()) continue;  // As it is to be.
    const std::string& why = held_for_.empty() ? slot.why : held_for_;
    text += fmt::format("; {} is {}{}{}", name_of(slot.index), to_string(slot.state),
                        why.empty() ? "" : ": ", why);
  }
  return text;
}

bool PoolRunner::is_down() const {
  return std::ranges::all_of(pool_.slots(), [](const Slot& slot) {
    return slot.state == SlotState::Stopped ||
           (slot.state == SlotState::Stopping && !slot.start_again);
  });
}

bool PoolRunner::is_out_of_service() const {
  return pool_.quiet() && std::ranges::any_of(pool_.slots(), [](const Slot& slot) {
           return slot.state == SlotState::Exited || slot.state == SlotState::Fatal;
         });
}

std::string PoolRunner::summary() const {
  const auto running = std::ranges::count_if(
      pool_.slots(), [](const Slot& slot) { return slot.state == SlotState::Running; });
  return fmt::format("{} {}/{} running", name(), running, pool_.slots().size());
}

}  // namespace reeve::supervisor
