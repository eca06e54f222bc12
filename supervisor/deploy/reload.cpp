#include "supervisor/deploy/reload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "ipc/base/nearest.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::string_view kAdded = "added";
constexpr std::string_view kRemoved = "removed";
constexpr std::string_view kUpdated = "updated";

/// For one reload, which answers all of them.
constexpr std::size_t kMostWaiting = 64;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

void keep_only(std::vector<std::string>& pools, const std::vector<std::string>& names) {
  std::erase_if(pools, [&names](const std::string& pool) { return !contains(names, pool); });
}

/// Pools may share a listener, which is to be opened once.
void add_listeners_of(const Config& config, const PoolConfig& pool,
                      std::vector<ListenerConfig>& listeners) {
  for (ListenerConfig& listener : listeners_of(config, pool)) {
    const auto known = std::ranges::find(listeners, listener.name, &ListenerConfig::name);
    if (known == listeners.end()) listeners.push_back(std::move(listener));
  }
}

/// What went well is one word of supervisorctl's for the whole pool; what did not stays as it is.
Verdicts in_supervisors_words(const std::string& pool, std::string_view done, Verdicts verdicts) {
  if (verdicts.empty()) return verdicts;
  const bool went_well = std::ranges::all_of(verdicts, [](const auto& verdict) {
    return verdict.ok || verdict.code == "not_running" || verdict.code == "already_started";
  });
  if (!went_well) return verdicts;
  return {success(pool, done, verdicts.front().text)};
}

/// Answers with `more` verdicts behind those that come.
Reload::OnVerdicts with_more(const Reload::OnVerdicts& on_verdicts, Verdicts more) {
  return [on_verdicts, more = std::move(more)](Verdicts verdicts) {
    verdicts.insert(verdicts.end(), more.begin(), more.end());
    on_verdicts(std::move(verdicts));
  };
}

Verdicts unknown_pools(const std::vector<std::string>& names,
                       const std::vector<std::string>& known) {
  Verdicts unknown;
  const std::vector<std::string_view> views(known.begin(), known.end());
  for (const std::string& name : names) {
    if (contains(known, name)) continue;
    unknown.push_back(no_such_process(
        name, fmt::format("neither the file nor the master has a pool named \"{}\"{}", name,
                          ipc::did_you_mean(name, views))));
  }
  return unknown;
}

}  // namespace

Reload::Reload(Log& log, Pools& pools, PendingCommands& commands, ConfigFile& file,
               Deployer& deployer, StartOrder& start_order, Callbacks callbacks)
    : log_(log),
      pools_(pools),
      commands_(commands),
      file_(file),
      deployer_(deployer),
      start_order_(start_order),
      callbacks_(std::move(callbacks)) {}

void Reload::request(const Requester& requester, OnVerdicts on_verdicts) {
  if (unsettled_ == 0) return run(requester, on_verdicts);
  log_.debug("a reload is running; the file is read again after it");
  if (!pending_) pending_ = Pending{.requester = requester, .unattended = false, .waiting = {}};
  pending_->unattended = pending_->unattended || !on_verdicts;
  if (!on_verdicts) return;
  if (pending_->waiting.size() >= kMostWaiting) {
    return refuse(on_verdicts, "too many wait for the next reload already; try again later");
  }
  pending_->waiting.emplace_back(requester.session, std::move(on_verdicts));
}

void Reload::gone(SessionId session) {
  if (!pending_) return;
  std::erase_if(pending_->waiting, [&](const auto& one) { return one.first == session; });
  if (pending_->waiting.empty() && !pending_->unattended) pending_.reset();
}

void Reload::advance() {
  if (unsettled_ > 0 || !pending_) return;
  const Pending pending = *std::exchange(pending_, std::nullopt);
  if (pending.waiting.empty()) return run(pending.requester, {});
  run(pending.requester, [waiting = pending.waiting](const Verdicts& verdicts) {
    for (const auto& [session, answer] : waiting) answer(verdicts);
  });
}

void Reload::dismiss(const std::string& why) {
  if (!pending_) return;
  const Pending dismissed = *std::exchange(pending_, std::nullopt);
  for (const auto& [session, answer] : dismissed.waiting) refuse(answer, why);
}

void Reload::run(const Requester& requester, const OnVerdicts& on_each) {
  callbacks_.on_begin();
  const OnVerdicts on_verdicts = [this, on_each](Verdicts verdicts) {
    callbacks_.on_end();
    if (on_each) on_each(std::move(verdicts));
  };
  if (file_.exists()) log_.info("rereading {}", file_.path());
  unsettled_ = 1;  // Until all of its parts are counted.
  file_.read([this, requester, on_verdicts, nobody_asked = !on_each](ipc::Result<Config> next) {
    go_on(requester, on_verdicts, nobody_asked, std::move(next));
    settle_one();
  });
}

void Reload::go_on(const Requester& requester, const OnVerdicts& on_verdicts, bool nobody_asked,
                   ipc::Result<Config> next) {
  if (!next) return refuse(on_verdicts, next.error().text);
  auto opened = open(*next, next->listeners);
  if (!opened) return refuse(on_verdicts, opened.error().text);
  if (auto logged = log_.follow(next->supervisor); !logged) {
    return refuse(on_verdicts, fmt::format("{}; nothing was changed", logged.error().text));
  }
  file_.put_in_force(next->supervisor);
  log_.set_level(next->supervisor.log_level);

  const PoolChanges changes = compare(versions_in_force(*opened), versions_in(*next));
  apply({.next = std::move(*next),
         .opened = std::move(*opened),
         .requester = requester,
         .if_busy = IfBusy::Insist,
         .words = Words::Ours},
        changes, [this, on_verdicts, nobody_asked](Verdicts verdicts) {
          if (verdicts.empty()) {
            log_.info("no pool has changed");
            verdicts = {success("", "reloaded", "no pool has changed")};
          } else if (nobody_asked) {
            for (const auto& verdict : verdicts) {
              log_.write(verdict.ok ? LogLevel::Info : LogLevel::Error,
                         fmt::format("reload: {}", one_line(verdict)));
            }
          }
          on_verdicts(std::move(verdicts));
        });
}

void Reload::update(const std::vector<std::string>& names, const Requester& requester,
                    IfBusy if_busy, const OnVerdicts& on_verdicts) {
  file_.read([=, this](ipc::Result<Config> next) {
    if (!next) return refuse(on_verdicts, next.error().text);
    const auto in_force = versions_in_force();
    PoolChanges changes = compare(in_force, versions_in(*next));
    std::vector<ListenerConfig> listeners = next->listeners;
    Verdicts unknown;
    if (!names.empty()) {
      std::vector<std::string> known;
      for (const PoolVersion& version : in_force) known.push_back(version.config.spec.name);
      for (const PoolConfig& pool : next->pools) known.push_back(pool.spec.name);
      unknown = unknown_pools(names, known);
      for (auto* pools : {&changes.added, &changes.removed, &changes.scaled, &changes.reconfigured,
                          &changes.rolled}) {
        keep_only(*pools, names);
      }
      listeners.clear();
      for (const std::string& name : names) {
        const PoolConfig* pool = find_pool(*next, name);
        if (pool != nullptr) add_listeners_of(*next, *pool, listeners);
      }
    }
    apply_part(std::move(*next), listeners, {.requester = requester, .if_busy = if_busy}, changes,
               with_more(on_verdicts, std::move(unknown)));
  });
}

void Reload::add(const std::vector<std::string>& names, const OnVerdicts& on_verdicts) {
  file_.read([=, this](ipc::Result<Config> next) {
    if (!next) return refuse(on_verdicts, next.error().text);
    Verdicts refused;
    PoolChanges changes;
    std::vector<ListenerConfig> listeners;
    for (const std::string& name : names) {
      const PoolConfig* pool = find_pool(*next, name);
      if (pools_.find(name) != nullptr) {
        refused.push_back(refusal(name, "already_added"));
      } else if (pool == nullptr) {
        refused.push_back(
            no_such_process(name, fmt::format("{} has no pool.{}", file_.path(), name)));
      } else if (!contains(changes.added, name)) {
        changes.added.push_back(name);
        add_listeners_of(*next, *pool, listeners);
      }
    }
    apply_part(std::move(*next), listeners, {.if_busy = IfBusy::Wait}, changes,
               with_more(on_verdicts, std::move(refused)));
  });
}

void Reload::apply_part(Config next, const std::vector<ListenerConfig>& listeners, Run run,
                        const PoolChanges& changes, const OnVerdicts& on_verdicts) {
  auto opened = open(next, listeners);
  if (!opened) return refuse(on_verdicts, opened.error().text);
  run.next = std::move(next);
  run.opened = std::move(*opened);
  run.words = Words::Supervisors;
  apply(std::move(run), changes, on_verdicts);
}

void Reload::differences(const std::function<void(ipc::Result<Differences>)>& on_differences) {
  file_.read([this, on_differences](const ipc::Result<Config>& next) {
    if (!next) return on_differences(std::unexpected(next.error()));
    Differences differences{.changes = compare(versions_in_force(), versions_in(*next)),
                            .in_file = {}};
    for (const PoolConfig& pool : next->pools) differences.in_file.push_back(pool.spec.name);
    on_differences(std::move(differences));
  });
}

/// Not what was read last: a roll that failed has left its pool at an older version.
std::vector<PoolVersion> Reload::versions_in_force(const ListenerSet& opened) const {
  std::vector<PoolVersion> versions;
  for (const auto& pool : pools_.all()) {
    PoolVersion& version = versions.emplace_back(PoolVersion{pool->intended().config, {}});
    for (const SharedListener& listener : pool->intended().listeners) {
      // One whose file was removed is bound anew, so that its pools need the new socket.
      const SharedListener next = find_listener(opened, listener->name());
      const ipc::Address& address = listener->config().address;
      const bool is_anew = next && next != listener && next->config().address == address;
      version.addresses.push_back(is_anew ? ipc::Address() : address);
    }
  }
  return versions;
}

ipc::Result<ListenerSet> Reload::open(const Config& next,
                                      const std::vector<ListenerConfig>& listeners) {
  if (auto why = needs_restart(file_.in_force(), next.supervisor); !why.empty()) {
    return ipc::failure(std::move(why));
  }
  pools_.hurry_removed();
  const ListenerSet before = pools_.listeners();
  auto opened = file_.open(listeners, before);
  if (!opened) return opened;
  for (const SharedListener& listener : *opened) {
    if (std::ranges::find(before, listener) != before.end()) continue;
    log_.info("listening on {} {}", listener->name(), listener->address());
  }
  for (const ListenerConfig& listener : listeners) {
    const SharedListener open = find_listener(*opened, listener.name);
    open->set_backlog(listener.backlog);
    if (auto set = open->set_access(listener); !set) return std::unexpected(set.error());
  }
  return opened;
}

/// A listener that no pool uses in the end closes with `run`.
void Reload::apply(Run run, const PoolChanges& changes, const OnVerdicts& on_verdicts) {
  // A pool that is being deployed will be another one than it is now: what differs shows then.
  std::vector<std::string> to_change = changes.scaled;
  std::ranges::copy(changes.reconfigured, std::back_inserter(to_change));
  std::ranges::copy(changes.rolled, std::back_inserter(to_change));
  if (run.words == Words::Ours) {
    for (const auto& pool : pools_.all()) {
      const bool busy = deployer_.queue().is_busy(pool->name());
      const bool stays = find_pool(run.next, pool->name()) != nullptr;
      if (busy && stays && !contains(to_change, pool->name())) to_change.push_back(pool->name());
    }
  }
  const std::size_t parts = changes.removed.size() + changes.added.size() + to_change.size();
  if (parts == 0) return on_verdicts(pools_.still_leaving());
  run.command = commands_.open(static_cast<int>(parts), on_verdicts);
  for (const std::string& name : changes.removed) {
    deployer_.queue().dismiss(name, fmt::format("{} was removed", name));
    pools_.remove(part_of(run, name, kRemoved), *pools_.find(name));
  }
  for (const std::string& name : changes.added)
    pools_.add(Deployment::of(*find_pool(run.next, name), run.opened));
  for (const std::string& name : changes.added) {
    start_order_.start(*pools_.find(name), awaited_part_of(run, name, kAdded));
  }
  for (const std::string& name : to_change) change(run, name);
}

void Reload::change(const Run& run, const std::string& name) {
  const auto shared = std::make_shared<const Run>(run);
  deployer_.take_turn(name, run.requester, run.if_busy, awaited_part_of(run, name, kUpdated),
                      [this, shared, name](PoolRunner& pool, CommandId part) {
                        bring_to(pool, part, *find_pool(shared->next, name), *shared);
                      });
}

void Reload::bring_to(PoolRunner& pool, CommandId part, const PoolConfig& config, const Run& run) {
  const PoolChanges changes = compare(versions_in_force(run.opened), versions_in(run.next));
  if (contains(changes.scaled, pool.name())) {
    pool.reconfigure_workers(part, config.spec.workers);
  } else if (contains(changes.reconfigured, pool.name()) && !pool.is_going_down()) {
    pool.reconfigure(part, config);
  } else if (!contains(changes.rolled, pool.name()) &&
             !contains(changes.reconfigured, pool.name())) {
    commands_.settle(part, {});
  } else if (pool.is_going_down()) {
    pool.adopt(Deployment::of(config, run.opened));
    commands_.settle(part,
                     {success(pool.name(), "adopted",
                              fmt::format("it {}, and will start in its new configuration",
                                          pool.is_gone() ? "is stopped" : "is being stopped"))});
  } else {
    pool.deploy(part, Deployment::of(config, run.opened));
  }
}

CommandId Reload::part_of(const Run& run, std::string name, std::string_view done) {
  return commands_.open(1, [this, words = run.words, command = run.command, name = std::move(name),
                            done](Verdicts verdicts) {
    if (words == Words::Supervisors) {
      verdicts = in_supervisors_words(name, done, std::move(verdicts));
    }
    commands_.settle(command, std::move(verdicts));
  });
}

/// A removed pool may drain for as long as its grace; what is to come does not depend on it.
CommandId Reload::awaited_part_of(const Run& run, std::string name, std::string_view done) {
  const CommandId part = part_of(run, std::move(name), done);
  if (run.words == Words::Supervisors) return part;
  ++unsettled_;
  return commands_.open(1, [this, part](Verdicts verdicts) {
    settle_one();
    commands_.settle(part, std::move(verdicts));
  });
}

void Reload::settle_one() {
  if (--unsettled_ == 0) callbacks_.wake();
}

void Reload::refuse(const OnVerdicts& on_verdicts, const std::string& why) const {
  log_.error("reload: {}", why);
  on_verdicts({refusal("", "refused", why)});
}

}  // namespace reeve::supervisor
