#include "supervisor/master/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <iterator>
#include <set>
#include <string_view>

#include "ipc/base/text.hpp"
#include "ipc/version.hpp"
#include "supervisor/pool/status.hpp"

namespace reeve::supervisor {

using ipc::control::Method;
using ipc::control::Reply;
using ipc::control::Request;

namespace {

/// The count of "+N" and "-N" has its sign already.
int wanted_workers(const ipc::control::ScaleBy& scale, int current) {
  return scale.relative ? current + scale.count : scale.count;
}

}  // namespace

Commands::Commands(ipc::uv::Loop& loop, Log& log, Dependencies dependencies, Callbacks callbacks)
    : loop_(loop),
      log_(log),
      pools_(dependencies.pools),
      pending_(dependencies.pending),
      ordered_(dependencies.ordered),
      deployer_(dependencies.deployer),
      reload_(dependencies.reload),
      rehearsals_(dependencies.rehearsals),
      events_(dependencies.events),
      callbacks_(std::move(callbacks)) {}

void Commands::on_request(SessionId session, const Request& request) {
  constexpr std::size_t kMostOfNames = 300;
  const std::string names =
      ipc::printable(fmt::format("{}", fmt::join(request.names, " ")), kMostOfNames);
  log_.debug("control: {} {}", ipc::control::to_string(request.method), names);
  if (ipc::control::traits(request.method).changes) {
    events_.publish("command", ipc::control::to_string(request.method), names);
  }
  if (ipc::control::traits(request.method).starts && callbacks_.shutting_down()) {
    return refuse(session, "the master is shutting down");
  }
  (this->*handler_of(request.method))(session, request);
}

Commands::Handler Commands::handler_of(Method method) {
  struct Entry {
    Method method;
    Handler handler;
  };
  static constexpr std::array kHandlers = {
      Entry{Method::Status, &Commands::status},     Entry{Method::Start, &Commands::start},
      Entry{Method::Stop, &Commands::stop},         Entry{Method::Restart, &Commands::restart},
      Entry{Method::Scale, &Commands::scale},       Entry{Method::Signal, &Commands::signal},
      Entry{Method::Pid, &Commands::status},        Entry{Method::Tail, &Commands::tail},
      Entry{Method::Reload, &Commands::reload},     Entry{Method::Shutdown, &Commands::shut_down},
      Entry{Method::Version, &Commands::version},   Entry{Method::Deploy, &Commands::deploy},
      Entry{Method::Rollback, &Commands::rollback}, Entry{Method::Rehearse, &Commands::rehearse},
      Entry{Method::Upgrade, &Commands::upgrade},   Entry{Method::Why, &Commands::why},
      Entry{Method::Events, &Commands::events},     Entry{Method::Reread, &Commands::reread},
      Entry{Method::Update, &Commands::update},     Entry{Method::Add, &Commands::add},
      Entry{Method::Remove, &Commands::remove},     Entry{Method::Avail, &Commands::avail},
      Entry{Method::Clear, &Commands::clear},       Entry{Method::Maintail, &Commands::maintail},
  };
  static_assert(ipc::control::lists_all_methods(kHandlers));
  return kHandlers[static_cast<std::size_t>(method)].handler;
}

void Commands::start(SessionId session, const Request& request) {
  command_in_order(session, request, OrderedCommands::Kind::Start);
}

void Commands::stop(SessionId session, const Request& request) {
  command_in_order(session, request, OrderedCommands::Kind::Stop);
}

void Commands::reload(SessionId session, const Request& /*request*/) {
  callbacks_.reload(requester(session, "reload"), answer_to(session));
}

void Commands::shut_down(SessionId session, const Request& /*request*/) {
  callbacks_.shutdown(answer_to(session));
}

// NOLINTNEXTLINE(readability-make-member-function-const): a row of the table, as its neighbours.
void Commands::upgrade(SessionId session, const Request& /*request*/) {
  callbacks_.upgrade(session);
}

void Commands::events(SessionId session, const Request& /*request*/) { events_.follow(session); }

// NOLINTNEXTLINE(readability-make-member-function-const): a row of the table, as its neighbours.
void Commands::version(SessionId session, const Request& /*request*/) {
  Reply reply;
  reply.text = ipc::kVersion;
  reply.master_pid = ::getpid();
  callbacks_.reply(session, reply);
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
  reload_.gone(session);
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
    reply.continues = following_.contains(session);  // Another pool, too.
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
    return refuse(session, fmt::format("no signal \"{}\"; write HUP, SIGHUP or 1", request.signal));
  }
  const ResolvedNames resolved = resolve_names(request.names, pools_.known());
  Verdicts verdicts = resolved.unknown;
  for_each_slot(resolved, [&](const PoolRunner& pool, const Slot& slot) {
    Process* process = slot.current ? pool.find(*slot.current) : nullptr;
    if (process != nullptr) process->signal(number);
    std::string name = pool.pool().name_of(slot.index);
    verdicts.push_back(about(pool.name(), slot.index,
                             process != nullptr ? success(std::move(name), "signalled")
                                                : refusal(std::move(name), "not_running")));
  });
  answer(session, std::move(verdicts));
}

void Commands::scale(SessionId session, const Request& request) {
  if (!request.scale || request.names.size() != 1) {
    return refuse(session, "scale needs one pool and a number of workers: scale web 4, +1 or -1");
  }
  ResolvedNames resolved = resolve_names(request.names, pools_.known());
  const bool is_pool = resolved.targets.size() == 1 && resolved.targets.front().slots.empty();
  if (!resolved.unknown.empty()) {
    answer(session, std::move(resolved.unknown));
  } else if (!is_pool) {
    refuse(session, fmt::format("scale needs one pool, and {} is not one", request.names.front()));
  } else {
    PoolRunner& pool = *pools_.find(resolved.targets.front().pool);
    const int workers = wanted_workers(*request.scale, pool.pool().spec().workers);
    if (auto why = pools_.refuse_ports(pool, workers); !why.empty()) {
      return refuse(session, std::move(why));
    }
    pool.scale(pending_.open(1, answer_to(session)), workers);
  }
}

void Commands::for_each_slot(const ResolvedNames& resolved,
                             const std::function<void(PoolRunner&, const Slot&)>& each) const {
  for (const Target& target : resolved.targets) {
    PoolRunner& pool = *pools_.find(target.pool);
    for (const Slot& slot : pool.pool().slots()) {
      if (target.slots.empty() || target.slots.contains(slot.index)) each(pool, slot);
    }
  }
}

void Commands::command_pools(SessionId session, const Request& request,
                             const PoolCommand& command) {
  const auto asked = open_command(session, request);
  if (!asked) return;
  for (const Target& target : asked->targets) {
    command(*pools_.find(target.pool), asked->id, target.slots);
  }
}

void Commands::command_in_order(SessionId session, const Request& request,
                                OrderedCommands::Kind kind) {
  if (const auto asked = open_command(session, request)) {
    ordered_.begin(kind, asked->id, asked->targets);
  }
}

std::optional<Commands::Asked> Commands::open_command(SessionId session, const Request& request) {
  ResolvedNames resolved = resolve_names(request.names, pools_.known());
  if (resolved.targets.empty()) {
    answer(session, std::move(resolved.unknown));
    return std::nullopt;
  }
  const int parts = static_cast<int>(resolved.targets.size()) + (resolved.unknown.empty() ? 0 : 1);
  const CommandId id = pending_.open(parts, answer_to(session));
  if (!resolved.unknown.empty()) pending_.settle(id, std::move(resolved.unknown));
  return Asked{id, std::move(resolved.targets)};
}

PendingCommands::OnVerdicts Commands::answer_to(SessionId session) const {
  return [this, session](Verdicts verdicts) {
    for (auto& verdict : verdicts) correct(verdict);
    answer(session, std::move(verdicts));
  };
}

/// A verdict on the first of several pools comes long before the last: what was up may be down now.
void Commands::correct(ipc::control::Verdict& verdict) const {
  const bool says_up = verdict.code == "started" || verdict.code == "restarted";
  const PoolRunner* pool = pools_.find(verdict.pool);
  if (!says_up || !verdict.slot || pool == nullptr) return;
  const auto& slots = pool->pool().slots();
  const auto index = static_cast<std::size_t>(*verdict.slot);
  if (index >= slots.size()) return;
  const Slot& slot = slots[index];
  if (slot.state == SlotState::Running || slot.finished) return;
  verdict.ok = false;
  verdict.code = "spawn_error";
  verdict.text = fmt::format("it was started, and is {} now: {}", to_string(slot.state), slot.why);
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

void Commands::reply_more(SessionId session, std::string text) const {
  Reply reply;
  reply.continues = true;
  reply.text = std::move(text);
  callbacks_.reply(session, reply);
}

void Commands::refuse(SessionId session, std::string why) const {
  Reply reply;
  reply.error = std::move(why);
  callbacks_.reply(session, reply);
}

}  // namespace reeve::supervisor
