#include "supervisor/deploy/deployer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace reeve::supervisor {
namespace {

/// A closed listener may have a twin meanwhile, which has its address.
ListenerSet with_open_twins(ListenerSet listeners, const ListenerSet& open_now) {
  for (SharedListener& listener : listeners) {
    const auto twin = std::ranges::find_if(open_now, [&listener](const SharedListener& other) {
      return other->is_open() && other->name() == listener->name() &&
             other->config().address == listener->config().address;
    });
    if (!listener->is_open() && twin != open_now.end()) listener = *twin;
  }
  return listeners;
}

}  // namespace

Deployer::Deployer(ipc::uv::Loop& loop, Pools& pools, PendingCommands& pending, ConfigFile& file,
                   std::function<void()> wake)
    : loop_(loop), pools_(pools), pending_(pending), file_(file), queue_(std::move(wake)) {
  queue_.describe_work([this](const std::string& name) {
    const PoolRunner* pool = pools_.find(name);
    return pool == nullptr ? "" : pool->activity();
  });
}

void Deployer::take_turn(const std::string& pool, const Requester& requester, IfBusy if_busy,
                         CommandId command, Begin begin) {
  const auto go = [this, pool, command, begin = std::move(begin)] {
    const CommandId part = pending_.open(1, [this, pool, command](Verdicts verdicts) {
      queue_.leave(pool, loop_.now());
      pending_.settle(command, std::move(verdicts));
    });
    if (PoolRunner* runner = pools_.find(pool)) {
      begin(*runner, part);
    } else {
      settle_removed(pool, part);
    }
  };
  const auto refused = [this, pool, command](std::string why) {
    pending_.settle(command, {refusal(pool, "busy", std::move(why))});
  };
  queue_.enter(pool, {.requester = requester, .begin = go, .refuse = refused}, if_busy,
               loop_.now());
}

void Deployer::deploy(const std::string& pool, const Requester& requester, IfBusy if_busy,
                      CommandId command, std::optional<Canary> canary,
                      PoolRunner::OnProgress on_progress) {
  take_turn(
      pool, requester, if_busy, command,
      [this, canary, on_progress = std::move(on_progress)](PoolRunner& runner, CommandId part) {
        if (!file_.exists()) return runner.deploy(part, runner.intended(), canary, on_progress);
        file_.read([=, this, name = runner.name()](const ipc::Result<Config>& config) {
          auto next = config ? next_version(name, *config) : std::unexpected(config.error());
          PoolRunner* pool_now = pools_.find(name);  // Time may have passed.
          if (pool_now == nullptr) {
            settle_removed(name, part);
          } else if (!next) {
            refuse(*pool_now, part, next.error().text);
          } else {
            pool_now->deploy(part, std::move(*next), canary, on_progress);
          }
        });
      });
}

void Deployer::rollback(const std::string& pool, const Requester& requester, IfBusy if_busy,
                        CommandId command, PoolRunner::OnProgress on_progress) {
  take_turn(pool, requester, if_busy, command,
            [this, on_progress = std::move(on_progress)](PoolRunner& runner, CommandId part) {
              if (runner.previous() == nullptr) {
                return refuse(runner, part,
                              fmt::format("{} has no previous version: nothing else was deployed "
                                          "since the master started",
                                          runner.name()));
              }
              Deployment next = *runner.previous();
              next.listeners = with_open_twins(std::move(next.listeners), pools_.listeners());
              runner.deploy(part, std::move(next), {}, on_progress);
            });
}

ipc::Result<Deployment> Deployer::next_version(const std::string& pool, const Config& config) {
  const PoolConfig* next = find_pool(config, pool);
  if (next == nullptr) {
    return ipc::failure(
        fmt::format("{} has no pool.{} any more; to remove it, use `reevectl update {}`",
                    file_.path(), pool, pool));
  }
  const auto opened = file_.open(listeners_of(config, *next), pools_.listeners());
  if (!opened) return std::unexpected(opened.error());
  return Deployment::of(*next, *opened);
}

void Deployer::settle_removed(const std::string& pool, CommandId part) {
  pending_.settle(part, {no_such_process(pool, fmt::format("{} was removed meanwhile", pool))});
}

void Deployer::refuse(const PoolRunner& pool, CommandId part, std::string why) {
  pending_.settle(part, {refusal(pool.name(), "refused", std::move(why))});
}

}  // namespace reeve::supervisor
