#include "supervisor/master/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <iterator>
#include <set>
#include <string_view>

#include "ipc/base/text.hpp"
#include "ipc/version.hpp"
#include "supervisor/core/process_name.hpp"
#include "supervisor/pool/status.hpp"

namespace reeve::supervisor {

using ipc::control::Method;
using ipc::control::Reply;
using ipc::control::Request;

namespace {

bool starts_something(Method method) {
  switch (method) {
    case Method::Start:
    case Method::Restart:
    case Method::Scale:
    case Method::Reload:
    case Method::Deploy:
    case Method::Rollback:
    case Method::Rehearse:
    case Method::Upgrade:
    case Method::Update:
    case Method::Add:
      return true;
    case Method::Status:
    case Method::Stop:
    case Method::Signal:
    case Method::Pid:
    case Method::Tail:
    case Method::Shutdown:
    case Method::Version:
    case Method::Why:
    case Method::Events:
    case Method::Reread:
    case Method::Remove:
    case Method::Avail:
    case Method::Clear:
    case Method::Maintail:
      return false;
  }
  std::unreachable();
}

bool changes_something(Method method) {
  return starts_something(method) || method == Method::Stop || method == Method::Signal ||
         method == Method::Remove || method == Method::Shutdown;
}

/// Of "+N" and "-N" the count has its sign already.
int wanted_workers(const ipc::control::ScaleBy& scale, int current) {
  return scale.relative ? current + scale.count : scale.count;
}

}  // namespace

Commands::Commands(ipc::uv::Loop& loop, Log& log, Dependencies dependencies, Callbacks callbacks)
    : loop_(loop),
      log_(log),
      pools_(dependencies.pools),
      pending_(dependencies.pending),
      deployer_(dependencies.deployer),
      reload_(dependencies.reload),
      rehearsals_(dependencies.rehearsals),
      events_(dependencies.events),
      callbacks_(std::move(callbacks)) {}

void Commands::on_request(SessionId session, const Request& request) {
  log_.debug("control: {} {}", ipc::control::to_string(request.method),
             fmt::join(request.names, " "));
  if (changes_something(request.method)) {
    events_.publish("command", ipc::control::to_string(request.method),
                    fmt::format("{}", fmt::join(request.names, " ")));
  }
  if (starts_something(request.method) && callbacks_.shutting_down()) {
    refuse(session, "the master is shutting down");
    return;
  }
  switch (request.method) {
    case Method::Status:
    case Method::Pid:
      status(session, request);
      return;
    case Method::Start:
      command_pools(session, request, [](PoolRunner& pool, CommandId id, const SlotSet& slots) {
        pool.start(id, slots);
      });
      return;
    case Method::Stop:
      command_pools(session, request, [](PoolRunner& pool, CommandId id, const SlotSet& slots) {
        pool.stop(id, slots);
      });
      return;
    case Method::Restart:
      restart(session, request);
      return;
    case Method::Scale:
      scale(session, request);
      return;
    case Method::Signal:
      signal(session, request);
      return;
    case Method::Tail:
      tail(session, request);
      return;
    case Method::Why:
      why(session, request);
      return;
    case Method::Reload:
      callbacks_.reload(asker(session, "reload"), answer_to(session));
      return;
    case Method::Shutdown:
      callbacks_.shutdown(answer_to(session));
      return;
    case Method::Upgrade:
      callbacks_.upgrade(session);
      return;
    case Method::Deploy:
      deploy(session, request);
      return;
    case Method::Rollback:
      rollback(session, request);
      return;
    case Method::Rehearse:
      rehearse(session, request);
      return;
    case Method::Reread:
      reread(session);
      return;
    case Method::Update:
      update(session, request);
      return;
    case Method::Add:
      add(session, request);
      return;
    case Method::Remove:
      remove(session, request);
      return;
    case Method::Avail:
      avail(session);
      return;
    case Method::Clear:
      clear(session, request);
      return;
    case Method::Maintail:
      maintail(session, request);
      return;
    case Method::Events:
      events_.follow(session);
      return;
    case Method::Version: {
      Reply reply;
      reply.text = ipc::kVersion;
      reply.master_pid = ::getpid();
      callbacks_.reply(session, reply);
      return;
    }
  }
  std::unreachable();
}

void Commands::gone(SessionId session) {
  const auto [begin, end] = following_.equal_range(session);
  for (auto it = begin; it != end; ++it) {
    it->second.pool->tail(it->second.slot).unfollow(it->second.follower);
  }
  following_.erase(begin, end);
  if (const auto log = following_log_.find(session); log != following_log_.end()) {
    log_.tail().unfollow(log->second);
    following_log_.erase(log);
  }
  events_.gone(session);
  deployer_.queue().gone(session);
}

void Commands::forgotten(const PoolRunner& pool) {
  std::set<SessionId> followers;
  std::erase_if(following_, [&](const auto& entry) {
    if (entry.second.pool != &pool) return false;
    followers.insert(entry.first);
    return true;
  });
  for (const SessionId session : followers) {
    Reply reply;
    reply.continues = following_.contains(session);  // It follows another pool, too.
    reply.text = fmt::format("({} was removed)\n", pool.name());
    callbacks_.reply(session, reply);
  }
}

void Commands::status(SessionId session, const Request& request) {
  ResolvedNames resolved = resolve_names(request.names, pools_.known());
  Reply reply;
  reply.master_pid = ::getpid();
  reply.verdicts = std::move(resolved.unknown);
  for (const Target& target : resolved.targets) {
    const PoolRunner& pool = *pools_.find(target.pool);
    auto lines = status_of(pool, target.slots, loop_.now());
    std::ranges::move(lines, std::back_inserter(reply.processes));
    if (request.lifespan) add_lifespan(reply, pool, target.slots, loop_.now());
    if (request.schedule) add_scheduled(reply, pool, target.slots);
  }
  callbacks_.reply(session, reply);
}

void Commands::signal(SessionId session, const Request& request) {
  const int number = signal_number(request.signal);
  if (number == 0) {
    refuse(session, fmt::format("no signal \"{}\"; write HUP, SIGHUP or 1", request.signal));
    return;
  }
  ResolvedNames resolved = resolve_names(request.names, pools_.known());
  Verdicts verdicts = std::move(resolved.unknown);
  for (const Target& target : resolved.targets) {
    const PoolRunner& pool = *pools_.find(target.pool);
    for (const Slot& slot : pool.pool().slots()) {
      if (!target.slots.empty() && !target.slots.contains(slot.index)) continue;
      const Process* process = slot.current ? pool.find(*slot.current) : nullptr;
      if (process != nullptr) process->signal(number);
      verdicts.push_back({.name = process_name(pool.name(), slot.index),
                          .ok = process != nullptr,
                          .code = process != nullptr ? "signalled" : "not_running",
                          .text = ""});
    }
  }
  answer(session, std::move(verdicts));
}

void Commands::scale(SessionId session, const Request& request) {
  if (!request.scale || request.names.size() != 1) {
    refuse(session, "scale wants one pool and a number of workers: scale web 4, +1 or -1");
    return;
  }
  ResolvedNames resolved = resolve_names(request.names, pools_.known());
  const bool is_pool = resolved.targets.size() == 1 && resolved.targets.front().slots.empty();
  if (!resolved.unknown.empty()) {
    answer(session, std::move(resolved.unknown));
  } else if (!is_pool) {
    refuse(session, fmt::format("scale wants one pool, and {} is not one", request.names.front()));
  } else {
    PoolRunner& pool = *pools_.find(resolved.targets.front().pool);
    pool.scale(pending_.open(1, answer_to(session)),
               wanted_workers(*request.scale, pool.pool().spec().workers));
  }
}

void Commands::command_pools(SessionId session, const Request& request,
                             const PoolCommand& command) {
  ResolvedNames resolved = resolve_names(request.names, pools_.known());
  if (resolved.targets.empty()) {
    answer(session, std::move(resolved.unknown));
    return;
  }
  const int dependencies =
      static_cast<int>(resolved.targets.size()) + (resolved.unknown.empty() ? 0 : 1);
  const CommandId id = pending_.open(dependencies, answer_to(session));
  if (!resolved.unknown.empty()) pending_.settle(id, std::move(resolved.unknown));
  for (const Target& target : resolved.targets) {
    command(*pools_.find(target.pool), id, target.slots);
  }
}

PendingCommands::OnVerdicts Commands::answer_to(SessionId session) const {
  return [this, session](Verdicts verdicts) { answer(session, std::move(verdicts)); };
}

void Commands::answer(SessionId session, Verdicts verdicts) const {
  for (const auto& verdict : verdicts) {
    log_.info("verdict: {}", one_line(verdict));
    events_.publish("verdict", "", one_line(verdict));
  }
  Reply reply;
  reply.verdicts = std::move(verdicts);
  callbacks_.reply(session, reply);
}

void Commands::refuse(SessionId session, std::string why) const {
  Reply reply;
  reply.error = std::move(why);
  callbacks_.reply(session, reply);
}

int signal_number(std::string text) {
  if (const auto number = ipc::parse_number<int>(text)) {
    return *number > 0 && *number < NSIG ? *number : 0;
  }
  if (text.starts_with("SIG")) text.erase(0, 3);
  for (int number = 1; number < NSIG; ++number) {
    const char* name = ::sigabbrev_np(number);
    if (name != nullptr && text == name) return number;
  }
  return 0;
}

}  // namespace reeve::supervisor
