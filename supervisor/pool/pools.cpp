#include "supervisor/pool/pools.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <iterator>
#include <utility>

namespace reeve::supervisor {
namespace {

bool serves_from(const PoolRunner& pool, const Listener& listener) {
  const ListenerSet listeners = pool.listeners();
  return !pool.is_down() && !pool.is_out_of_service() &&
         std::ranges::any_of(
             listeners, [&listener](const SharedListener& one) { return one.get() == &listener; });
}

}  // namespace

Pools::Pools(ipc::uv::Loop& loop, Log& log, const Launcher& launcher, PendingCommands& pending,
             Callbacks callbacks)
    : loop_(loop),
      log_(log),
      launcher_(launcher),
      pending_(pending),
      callbacks_(std::move(callbacks)) {}

PoolRunner& Pools::add(Deployment deployment) {
  PoolRunner& added = *pools_.emplace_back(std::make_unique<PoolRunner>(
      PoolRunner::Dependencies{loop_, log_, launcher_, *this}, std::move(deployment), seeds_()));
  if (is_being_removed(added.name())) added.wait_for_lease();
  return added;
}

bool Pools::is_being_removed(const std::string& name) const {
  return std::ranges::find(removed_, name, [](const auto& pool) { return pool->name(); }) !=
         removed_.end();
}

/// Of removed pools that are gone, to the one of the same name, unless another one is still there.
void Pools::pass_leases_on() {
  for (const auto& gone : removed_) {
    if (!gone->is_gone()) continue;
    const bool is_last = std::ranges::none_of(removed_, [&gone](const auto& other) {
      return !other->is_gone() && other->name() == gone->name();
    });
    PoolRunner* heir = find(gone->name());
    if (heir != nullptr && is_last) heir->inherit_lease(*gone);
  }
}

void Pools::hurry_removed() {
  for (const auto& pool : removed_) pool->hurry_quiesce();
}

PoolRunner* Pools::add_rehearsal(Deployment deployment) {
  const std::string& name = deployment.config.spec.name;
  if (std::ranges::find(rehearsals_, name, [](const auto& pool) { return pool->name(); }) !=
      rehearsals_.end()) {
    return nullptr;
  }
  return rehearsals_
      .emplace_back(std::make_unique<PoolRunner>(
          PoolRunner::Dependencies{loop_, log_, launcher_, *this}, std::move(deployment), seeds_()))
      .get();
}

void Pools::remove(CommandId command, PoolRunner& pool) {
  const auto found = std::ranges::find(pools_, &pool, &std::unique_ptr<PoolRunner>::get);
  if (found == pools_.end()) return;
  removed_.push_back(std::move(*found));
  pools_.erase(found);
  // Workers of slots that were scaled away may drain on when the last slot has stopped.
  pool.stop(pending_.open(1,
                          [this, command, &pool](Verdicts verdicts) {
                            removals_.emplace(&pool, Removal{command, std::move(verdicts)});
                            callbacks_.on_change();
                          }),
            {});
}

Verdicts Pools::still_leaving() const {
  Verdicts leaving;
  for (const auto& pool : removed_) {
    std::string pids;
    for (const auto& [worker, process] : pool->processes()) {
      pids += fmt::format("{}pid {}", pids.empty() ? "" : ", ", process->leader());
    }
    leaving.push_back(success(
        pool->name(), "leaving",
        fmt::format("it was removed, and is not gone yet: {}", pids.empty() ? "stopping" : pids)));
  }
  return leaving;
}

PoolRunner* Pools::find(const std::string& name) const {
  const auto found =
      std::ranges::find_if(pools_, [&name](const auto& pool) { return pool->name() == name; });
  return found == pools_.end() ? nullptr : found->get();
}

std::vector<KnownPool> Pools::known() const {
  std::vector<KnownPool> known;
  known.reserve(pools_.size());
  for (const auto& pool : pools_) {
    known.push_back({pool->name(), static_cast<int>(pool->pool().slots().size())});
  }
  return known;
}

ListenerSet Pools::listeners() const {
  ListenerSet all;
  for (const auto& pool : pools_) std::ranges::copy(pool->listeners(), std::back_inserter(all));
  return all;
}

void Pools::conclude(pid_t pid) {
  for (const auto* group : {&pools_, &removed_, &rehearsals_}) {
    for (const auto& pool : *group) pool->conclude(pid);
  }
}

void Pools::exited(pid_t pid, const Death& death) {
  for (const auto* group : {&pools_, &removed_, &rehearsals_}) {
    for (const auto& pool : *group) pool->exited(pid, death);
  }
}

/// The sender may be a child of the worker, such as systemd-notify from a shell script: then it is
/// in the worker's process group.
void Pools::on_message(const ipc::Notification& notification) {
  for (const pid_t pid : {notification.pid, ::getpgid(notification.pid)}) {
    for (const auto* group : {&pools_, &removed_, &rehearsals_}) {
      for (const auto& pool : *group) {
        if (Process* process = pool->find(pid)) {
          process->on_notification(notification.message);
          return;
        }
      }
    }
  }
  if (::kill(notification.pid, 0) != 0 && errno == ESRCH) return tell_of_lost_sender(notification);
  log_.debug("ignoring a notification from pid {}, which is not a worker", notification.pid);
}

/// sd_notify(3) has the same limit: once a child of a worker is gone, nothing says whose it was.
/// Anyone may send, so it is told now and then.
void Pools::tell_of_lost_sender(const ipc::Notification& notification) {
  constexpr std::chrono::seconds kBetween{10};
  const TimePoint now = ipc::Clock::now();
  if (told_of_lost_sender_ && now < *told_of_lost_sender_ + kBetween) return;
  told_of_lost_sender_ = now;
  log_.warn(
      "a notification{} is lost: pid {} ended right after it had sent it, so it is not known any "
      "more whose child it was; let it wait for BARRIER=1 (sd_notify_barrier(3)), as "
      "systemd-notify does",
      notification.message.ready ? " (READY=1)" : "", notification.pid);
}

void Pools::end_grace() {
  for (const auto* group : {&pools_, &removed_, &rehearsals_}) {
    for (const auto& pool : *group) pool->end_grace();
  }
}

void Pools::sweep() {
  for (auto* group : {&removed_, &rehearsals_}) {
    std::vector<PoolRunner*> quiet;
    for (const auto& pool : *group) {
      if (pool->pool().quiet()) quiet.push_back(pool.get());
    }
    // Its workers have gone before it was told to stop: whoever asked for that gets the answer.
    for (PoolRunner* pool : quiet) pool->hurry_quiesce();
    for (const PoolRunner* pool : quiet) {
      if (!pool->is_gone()) continue;
      callbacks_.on_forgotten(*pool);
      if (auto removal = removals_.extract(pool)) {
        pending_.settle(removal.mapped().command, std::move(removal.mapped().verdicts));
      }
    }
    if (group == &removed_) pass_leases_on();
    std::erase_if(*group, [](const auto& pool) { return pool->is_gone(); });
  }
}

std::string Pools::refuse_ports(const PoolRunner& pool, int workers) const {
  constexpr int kLast = 65535;
  const PoolConfig& config = pool.deployment().config;
  const auto& first = config.port;
  if (workers <= std::max(1, static_cast<int>(pool.pool().slots().size()))) return "";
  if (!first && binds_ports(config)) {
    return fmt::format(
        "a probe of {} asks one port, so that it can have one worker only; give its "
        "workers ports of their own with `port`",
        pool.name());
  }
  if (!first) return "";
  const int last = *first + workers - 1;
  if (last > kLast) return fmt::format("{} has no port for {} workers", pool.name(), workers);
  for (const auto& other : pools_) {
    const auto others = other->deployment().config.port;
    if (other.get() == &pool || !others) continue;
    const int others_last =
        *others + std::max(1, static_cast<int>(other->pool().slots().size())) - 1;
    if (others_last < *first || last < *others) continue;
    return fmt::format("{} workers of {} would bind the ports {} to {}, and {} has {} to {}",
                       workers, pool.name(), *first, last, other->name(), *others, others_last);
  }
  return "";
}

bool Pools::quiet() const {
  return removed_.empty() && rehearsals_.empty() &&
         std::ranges::all_of(pools_, [](const auto& pool) { return pool->pool().quiet(); });
}

std::optional<TimePoint> Pools::start_ends_at() const {
  TimePoint end{};
  for (const auto& pool : pools_) {
    const auto at = pool->start_ends_at();
    if (!at) return std::nullopt;
    end = std::max(end, *at);
  }
  return end;
}

std::string Pools::summary() const {
  std::string text;
  for (const auto& pool : pools_) {
    text += fmt::format("{}{}", text.empty() ? "" : "; ", pool->summary());
  }
  return text;
}

std::string Pools::survivors() const {
  std::string text;
  for (const auto* group : {&pools_, &removed_, &rehearsals_}) {
    for (const auto& pool : *group) {
      for (const auto& [id, worker] : pool->pool().workers()) {
        const Process* process = pool->find(id);
        const pid_t pid = process == nullptr ? 0 : process->leader();
        text += fmt::format("{}{} (pid {})", text.empty() ? "" : ", ",
                            pool->pool().name_of(worker.slot), pid);
      }
    }
  }
  return text;
}

void Pools::kill_survivors() const {
  for (const auto* group : {&pools_, &removed_, &rehearsals_}) {
    for (const auto& pool : *group) {
      for (const auto& [id, worker] : pool->pool().workers()) {
        if (Process* process = pool->find(id)) process->kill_group();
      }
    }
  }
}

Duration Pools::longest_grace() const {
  Duration longest{};
  for (const auto* group : {&pools_, &removed_, &rehearsals_}) {
    for (const auto& pool : *group) {
      longest = std::max(longest, pool->pool().spec().grace);
      for (const auto& [id, worker] : pool->pool().workers())
        longest = std::max(longest, worker.grace);
    }
  }
  return longest;
}

std::optional<TimePoint> Pools::latest_deadline() const {
  std::optional<TimePoint> latest;
  const auto take = [&latest](std::optional<TimePoint> deadline) {
    if (deadline) latest = std::max(latest.value_or(*deadline), *deadline);
  };
  for (const auto* group : {&pools_, &removed_, &rehearsals_}) {
    for (const auto& pool : *group) {
      for (const auto& [id, worker] : pool->pool().workers()) {
        take(worker.deadline);
        take(worker.ready_at);
      }
      for (const Slot& slot : pool->pool().slots()) take(slot.retry_at);
    }
  }
  return latest;
}

void Pools::finished(CommandId command, Verdicts verdicts) {
  pending_.settle(command, std::move(verdicts));
}

void Pools::happened(std::string_view kind, const PoolRunner& pool, std::optional<int> slot,
                     const std::string& text) {
  if (callbacks_.on_event) callbacks_.on_event(kind, pool, slot, text);
}

bool Pools::used_elsewhere(const PoolRunner& pool, const Listener& listener) {
  return std::ranges::any_of(pools_, [&](const auto& other) {
    return other.get() != &pool && serves_from(*other, listener);
  });
}

std::string Pools::at_work() const {
  if (!removals_.empty())
    return fmt::format("{} is being removed", removals_.begin()->first->name());
  if (!rehearsals_.empty()) return fmt::format("{} runs", rehearsals_.front()->name());
  for (const auto* group : {&pools_, &removed_}) {
    for (const auto& pool : *group) {
      if (auto busy = pool->at_work(); !busy.empty()) return busy;
    }
  }
  return "";
}

std::vector<PoolRunner::State> Pools::state(HandedListeners& listeners) const {
  std::vector<PoolRunner::State> handed;
  for (const auto* group : {&pools_, &removed_}) {
    for (const auto& pool : *group) {
      handed.push_back(pool->state(listeners));
      handed.back().removed = group == &removed_;
    }
  }
  return handed;
}

void Pools::adopt(const std::vector<PoolRunner::State>& pools, const ListenerSet& listeners) {
  for (const PoolRunner::State& handed : pools) {
    auto& group = handed.removed ? removed_ : pools_;
    group.push_back(std::make_unique<PoolRunner>(
        PoolRunner::Dependencies{loop_, log_, launcher_, *this}, handed, listeners, seeds_()));
  }
  for (const auto& pool : pools_) {
    if (is_being_removed(pool->name())) pool->wait_for_lease();
  }
}

CommandId Pools::unattended_command() {
  return pending_.open(1, [this](const Verdicts& verdicts) {
    for (const auto& verdict : verdicts) {
      if (!verdict.ok) log_.error("{}", one_line(verdict));
    }
  });
}

int Pools::workers() const {
  std::size_t count = 0;
  for (const auto* group : {&pools_, &removed_}) {
    for (const auto& pool : *group) count += pool->pool().workers().size();
  }
  return static_cast<int>(count);
}

}  // namespace reeve::supervisor
