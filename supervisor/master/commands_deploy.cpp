// The commands that bring other versions of pools: restart, deploy, rollback, rehearse, and the
// family of reread and update.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "ipc/base/counted.hpp"
#include "supervisor/master/commands.hpp"

namespace reeve::supervisor {

using ipc::control::Reply;
using ipc::control::Request;

namespace {

constexpr std::chrono::seconds kWatch{30};

IfBusy if_busy(const Request& request) { return request.wait ? IfBusy::Wait : IfBusy::Refuse; }

/// "web:*" and "web:" are the pool web.
std::string pool_named(std::string_view name) {
  for (const std::string_view suffix : {":*", ":"}) {
    if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  }
  return std::string(name);
}

/// A deployment is aborted when a worker does not come up; a restart is a start that has failed.
Verdicts of_a_restart(Verdicts verdicts) {
  for (ipc::control::Verdict& verdict : verdicts) {
    if (verdict.code == "aborted" && verdict.slot) verdict.code = "spawn_error";
  }
  return verdicts;
}

std::vector<std::string> pools_named(const std::vector<std::string>& names) {
  std::vector<std::string> pools;
  for (const std::string& name : names) {
    if (name == "all") return {};
    pools.push_back(pool_named(name));
  }
  return pools;
}

}  // namespace

void Commands::restart(SessionId session, const Request& request) {
  if (request.hard) {
    return command_in_order(session, request, OrderedCommands::Kind::HardRestart);
  }
  const Requester who = requester(session, "restart");
  PoolRunner::OnStarted on_started;
  if (request.more) {
    on_started = [this, session](const ipc::control::Verdict& verdict) {
      callbacks_.reply(session, {.continues = true, .verdicts = {verdict}});
    };
  }
  command_pools(session, request, [&](PoolRunner& pool, CommandId id, const SlotSet& slots) {
    tell_wait(session, request, pool.name());
    deployer_.take_turn(pool.name(), who, if_busy(request), id,
                        [this, slots, on_started](PoolRunner& runner, CommandId part) {
                          const CommandId roll = pending_.open(1, [this, part](Verdicts verdicts) {
                            pending_.settle(part, of_a_restart(std::move(verdicts)));
                          });
                          runner.roll(roll, slots, on_started);
                        });
  });
}

void Commands::deploy(SessionId session, const Request& request) {
  std::optional<Canary> canary;
  if (request.canary > 0) {
    const auto watch = request.watch.count() > 0 ? request.watch : kWatch;
    canary = Canary{.workers = request.canary, .watch = watch};
  }
  for_each_pool(session, request, [&](const std::string& pool, CommandId command) {
    const auto slots = static_cast<int>(pools_.find(pool)->pool().slots().size());
    if (canary && canary->workers > slots) {
      return pending_.settle(
          command, {refusal(pool, "refused",
                            fmt::format("{} has {}; {} canaries are too many", pool,
                                        ipc::counted(slots, "worker"), canary->workers))});
    }
    if (canary && binds_ports(pools_.find(pool)->deployment().config)) {
      pending_.settle(command,
                      {{.name = pool,
                        .ok = false,
                        .code = "refused",
                        .text = "its workers bind ports of their own, so that no canary can serve "
                                "beside them; deploy it without --canary"}});
      return;
    }
    tell_wait(session, request, pool);
    deployer_.deploy(pool, requester(session, "deploy"), if_busy(request), command, canary,
                     progress_to(session, request));
  });
}

void Commands::rollback(SessionId session, const Request& request) {
  for_each_pool(session, request, [&](const std::string& pool, CommandId command) {
    const Requester who = requester(session, "rollback");
    PoolRunner& runner = *pools_.find(pool);
    if (runner.call_off_canary(fmt::format("called off by a rollback of {}", who.who))) {
      const auto generation = static_cast<std::uint64_t>(runner.pool().generation());
      return pending_.settle(
          command,
          {success(pool, "rolled",
                   fmt::format("the canary was called off; generation {} serves on", generation))});
    }
    tell_wait(session, request, pool);
    deployer_.rollback(pool, who, if_busy(request), command, progress_to(session, request));
  });
}

void Commands::rehearse(SessionId session, const Request& request) {
  // The name of any pool: the file may have a new one.
  if (request.names.size() != 1) return refuse(session, "rehearse needs the name of one pool");
  rehearsals_.run(pool_named(request.names.front()), progress_to(session, request),
                  answer_to(session));
}

void Commands::reread(SessionId session, const Request& /*request*/) {
  reload_.differences([this, session](const ipc::Result<Reload::Differences>& differences) {
    if (!differences) return refuse(session, differences.error().text);
    Reply reply;
    const auto add = [&reply](const std::vector<std::string>& names, std::string_view code) {
      for (const std::string& name : names) reply.verdicts.push_back(success(name, code));
    };
    add(differences->changes.added, "added");
    add(differences->changes.scaled, "changed");
    add(differences->changes.reconfigured, "changed");
    add(differences->changes.rolled, "changed");
    add(differences->changes.removed, "removed");
    if (reply.verdicts.empty()) reply.verdicts = pools_.still_leaving();
    callbacks_.reply(session, reply);
  });
}

void Commands::avail(SessionId session, const Request& /*request*/) {
  reload_.differences([this, session](const ipc::Result<Reload::Differences>& differences) {
    if (!differences) return refuse(session, differences.error().text);
    Reply reply;
    for (const std::string& name : differences->in_file) {
      const bool in_use = pools_.find(name) != nullptr;
      reply.verdicts.push_back(success(name, in_use ? "in_use" : "avail"));
    }
    callbacks_.reply(session, reply);
  });
}

void Commands::update(SessionId session, const Request& request) {
  reload_.update(pools_named(request.names), requester(session, "update"), if_busy(request),
                 answer_to(session));
}

void Commands::add(SessionId session, const Request& request) {
  if (request.names.empty()) return refuse(session, "add needs the names of pools");
  std::vector<std::string> names;
  for (const std::string& name : request.names) names.push_back(pool_named(name));
  reload_.add(names, answer_to(session));
}

void Commands::remove(SessionId session, const Request& request) {
  if (request.names.empty()) return refuse(session, "remove needs the names of stopped pools");
  const CommandId command =
      pending_.open(static_cast<int>(request.names.size()), answer_to(session));
  for (const std::string& given : request.names) {
    const std::string name = pool_named(given);
    PoolRunner* pool = pools_.find(name);
    if (pool == nullptr) {
      pending_.settle(command, {no_such_process(name, fmt::format("no pool named \"{}\"", name))});
    } else if (!pool->pool().quiet()) {
      pending_.settle(command, {refusal(name, "still_running",
                                        fmt::format("stop it first: reevectl stop {}", name))});
    } else {
      deployer_.queue().dismiss(name, fmt::format("{} was removed", name));
      const auto removed = [this, command, name](const Verdicts&) {
        pending_.settle(command, {success(name, "removed")});
      };
      pools_.remove(pending_.open(1, removed), *pool);
    }
  }
}

void Commands::for_each_pool(SessionId session, const Request& request,
                             const std::function<void(const std::string&, CommandId)>& begin) {
  ResolvedNames resolved = resolve_names(request.names, pools_.known());
  const auto part = std::ranges::find_if(
      resolved.targets, [](const Target& target) { return !target.slots.empty(); });
  if (request.names.empty() || part != resolved.targets.end()) {
    return refuse(session,
                  fmt::format("{} needs the name of a pool: a version belongs to the whole pool",
                              ipc::control::to_string(request.method)));
  }
  if (!resolved.unknown.empty()) return answer(session, std::move(resolved.unknown));
  const CommandId command =
      pending_.open(static_cast<int>(resolved.targets.size()), answer_to(session));
  for (const Target& target : resolved.targets) begin(target.pool, command);
}

void Commands::tell_wait(SessionId session, const Request& request, const std::string& pool) const {
  const auto at_work = deployer_.queue().at_work(pool, loop_.now());
  if (request.wait && at_work && !deployer_.queue().is_full(pool))
    progress_to(session, request)("waiting: " + *at_work);
}

Requester Commands::requester(SessionId session, std::string what) const {
  return {.what = std::move(what),
          .who = fmt::format("reevectl pid {}", callbacks_.peer(session)),
          .session = session};
}

PoolRunner::OnProgress Commands::progress_to(SessionId session, const Request& request) const {
  if (!request.more) return [](const std::string& /*line*/) {};
  return [this, session](const std::string& line) { reply_more(session, line); };
}

}  // namespace reeve::supervisor
