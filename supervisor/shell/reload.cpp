#include "supervisor/shell/reload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace reeve::supervisor {
namespace {

const PoolVersion* find(const std::vector<PoolVersion>& versions, const std::string& name) {
  const auto found = std::ranges::find_if(
      versions, [&name](const PoolVersion& version) { return version.config.spec.name == name; });
  return found == versions.end() ? nullptr : &*found;
}

const PoolConfig& config_of(const Config& config, const std::string& name) {
  return *std::ranges::find_if(config.pools,
                               [&name](const PoolConfig& pool) { return pool.spec.name == name; });
}

}  // namespace

std::vector<PoolVersion> versions_in(const Config& config) {
  std::vector<PoolVersion> versions;
  for (const PoolConfig& pool : config.pools) {
    PoolVersion& version = versions.emplace_back(PoolVersion{pool, {}});
    for (const std::string& name : pool.listen) {
      const auto listener = std::ranges::find(config.listeners, name, &ListenerConfig::name);
      if (listener != config.listeners.end()) version.addresses.push_back(listener->address);
    }
  }
  return versions;
}

PoolChanges compare(const std::vector<PoolVersion>& before, const std::vector<PoolVersion>& after) {
  PoolChanges changes;
  for (const PoolVersion& old : before) {
    const std::string& name = old.config.spec.name;
    if (find(after, name) == nullptr) changes.removed.push_back(name);
  }
  for (const PoolVersion& version : after) {
    const std::string& name = version.config.spec.name;
    const PoolVersion* old = find(before, name);
    if (old == nullptr) {
      changes.added.push_back(name);
      continue;
    }
    PoolConfig same_size = old->config;
    same_size.spec.workers = version.config.spec.workers;
    if (old->addresses != version.addresses || same_size != version.config) {
      changes.rolled.push_back(name);
    } else if (old->config != version.config) {
      changes.scaled.push_back(name);
    }
  }
  return changes;
}

std::string needs_restart(const SupervisorConfig& before, const SupervisorConfig& after) {
  const auto refuse = [](std::string_view key) {
    return fmt::format(
        "supervisor.{} cannot change while the master runs; nothing was changed. Put it back, or "
        "restart "
        "the master",
        key);
  };
  if (before.name != after.name) return refuse("name");
  if (before.runtime_dir != after.runtime_dir) return refuse("runtime_dir");
  if (before.log_format != after.log_format) return refuse("log.format");
  return "";
}

Reload::Reload(Log& log, Herd& herd, CommandBook& book, SupervisorConfig config,
               std::vector<ipc::NamedFd> adopted, std::string path)
    : log_(log),
      herd_(herd),
      book_(book),
      config_(std::move(config)),
      adopted_(std::move(adopted)),
      path_(std::move(path)) {}

void Reload::run(const OnVerdicts& on_verdicts) {
  if (path_.empty()) {
    refuse(on_verdicts,
           "there is no configuration file to reread: the master was started without one");
    return;
  }
  log_.info("rereading {}", path_);
  const auto next = load_config(path_);
  if (!next) {
    std::string errors = "the configuration has errors; nothing was changed";
    for (const ConfigError& error : next.error()) errors += "\n  " + to_string(error);
    refuse(on_verdicts, std::move(errors));
    return;
  }
  if (auto why = needs_restart(config_, next->supervisor); !why.empty()) {
    refuse(on_verdicts, std::move(why));
    return;
  }
  const ListenerSet before = herd_.listeners();
  const auto opened = open_listeners(next->listeners, before, adopted_);
  if (!opened) {
    refuse(on_verdicts, fmt::format("{}; nothing was changed", opened.error().text));
    return;
  }
  for (const SharedListener& listener : *opened) {
    if (std::ranges::find(before, listener) != before.end()) continue;
    log_.info("listening on {} {}", listener->name(), listener->address());
  }
  apply(*next, *opened, on_verdicts);
}

/// Not what was read last: a roll that failed has left its pool at an older version.
std::vector<PoolVersion> Reload::versions_in_force() const {
  std::vector<PoolVersion> versions;
  for (const auto& pool : herd_.pools()) {
    PoolVersion& version = versions.emplace_back(PoolVersion{pool->deployment().config, {}});
    for (const SharedListener& listener : pool->deployment().listeners) {
      version.addresses.push_back(listener->config().address);
    }
  }
  return versions;
}

/// A listener that no pool uses in the end closes with `opened`.
void Reload::apply(const Config& next, const ListenerSet& opened, const OnVerdicts& on_verdicts) {
  const PoolChanges changes = compare(versions_in_force(), versions_in(next));
  for (const ListenerConfig& listener : next.listeners) {
    find_listener(opened, listener.name)->set_backlog(listener.backlog);
  }
  config_ = next.supervisor;
  log_.set_level(config_.log_level);
  if (changes.count() == 0) {
    log_.info("no pool has changed");
    on_verdicts({{.name = "", .ok = true, .code = "reloaded", .text = "no pool has changed"}});
    return;
  }
  const CommandId command = book_.open(static_cast<int>(changes.count()), on_verdicts);
  const auto deployment = [&](const std::string& name) {
    return Deployment::of(config_of(next, name), opened);
  };
  for (const std::string& name : changes.removed) herd_.remove(command, *herd_.find(name));
  for (const std::string& name : changes.added) herd_.add(deployment(name)).start(command, {});
  for (const std::string& name : changes.scaled) {
    herd_.find(name)->reconfigure_workers(command, config_of(next, name).spec.workers);
  }
  for (const std::string& name : changes.rolled)
    herd_.find(name)->deploy(command, deployment(name));
}

void Reload::refuse(const OnVerdicts& on_verdicts, std::string why) const {
  log_.error("reload: {}", why);
  on_verdicts({{.name = "", .ok = false, .code = "refused", .text = std::move(why)}});
}

}  // namespace reeve::supervisor
