#include "supervisor/config/read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "ipc/base/nearest.hpp"
#include "ipc/runtime_dir.hpp"
#include "supervisor/config/checks.hpp"
#include "supervisor/config/limits.hpp"
#include "supervisor/config/probe.hpp"
#include "supervisor/config/schema.hpp"
#include "supervisor/config/user.hpp"
#include "supervisor/config/values.hpp"
#include "supervisor/config/variables.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::array<std::string_view, 4> kTables{"include", "supervisor", "listen", "pool"};

void check_tables(const Cell& root) {
  for (const Entry& entry : *root.table()) {
    if (std::ranges::find(kTables, entry.key) != kTables.end()) continue;
    std::string remedy = ipc::did_you_mean(entry.key, kTables);
    if (remedy.empty()) remedy = "; known here: include, supervisor, listen.NAME, pool.NAME";
    root.refuse_key(entry, "unknown key" + remedy);
  }
}

/// The files themselves were read before.
void check_include(const Cell& root) {
  if (const auto include = root.find("include")) {
    std::vector<std::string> patterns;
    include->read(patterns);
    if (std::ranges::find(patterns, "") != patterns.end()) {
      include->refuse("a pattern is empty; remove it, or name files, as \"conf.d/*.toml\"");
    }
  }
}

void check_not_empty(const Cell& root) {
  const auto pools = root.find("pool");
  const auto* named = pools ? std::get_if<Table>(&pools->value().data) : nullptr;
  if (!pools || (named && named->empty())) {
    root.refuse("there is nothing to run; add a table [pool.NAME]");
  }
}

/// Calls `read` with the name and cell of each table below `kind`: [listen.NAME], [pool.NAME].
template <class Read>
void for_each_named(const Cell& root, std::string_view kind, Read read) {
  const auto cell = root.find(kind);
  if (!cell) return;
  const Table* named = cell->table(fmt::format("tables [{}.NAME]", kind));
  if (!named) return;
  for (const Entry& entry : *named) {
    if (auto why = refuse_name(entry.key); !why.empty()) cell->refuse_key(entry, std::move(why));
    if (!cell->child(entry).table(fmt::format("a table [{}.NAME]", kind))) continue;
    read(entry, cell->child(entry));
  }
}

std::vector<Sourced<ListenerConfig>> read_listeners(const Cell& root) {
  std::vector<Sourced<ListenerConfig>> listeners;
  for_each_named(root, "listen", [&](const Entry& entry, const Cell& table) {
    ListenerConfig listener{.name = entry.key, .address = {}};
    read_table(table, kListenerKeys, listener);
    listeners.push_back({std::move(listener), table});
  });
  check_addresses(listeners);
  check_sockets(listeners);
  return listeners;
}

std::vector<Sourced<PoolConfig>> read_pools(const Cell& root) {
  std::vector<Sourced<PoolConfig>> pools;
  for_each_named(root, "pool", [&](const Entry& entry, const Cell& table) {
    if (entry.key == "all")
      table.refuse("the name \"all\" means every pool to reevectl; choose another");
    PoolConfig pool;
    pool.spec.name = entry.key;
    read_table(table, kPoolKeys, pool);
    pools.push_back({std::move(pool), table});
  });
  return pools;
}

/// A program that says READY=1 may know how to drain. Of others it is not known, and many close
/// what they have accepted but not read: they get sockets of their own, so that nothing comes once
/// they drain.
Sockets best_sockets(const ListenerConfig& listener, const std::vector<PoolConfig>& pools) {
  if (listener.sockets != Sockets::Auto) return listener.sockets;
  const auto may_lose = [&listener](const PoolConfig& pool) {
    return std::ranges::find(pool.listen, listener.name) != pool.listen.end() &&
           !std::holds_alternative<ReadyNotify>(pool.ready);
  };
  return is_tcp(listener.address) && std::ranges::any_of(pools, may_lose) ? Sockets::PerWorker
                                                                          : Sockets::Shared;
}

/// Without it a slot is given up only when trying again cannot help; but whoever waits for the
/// master to exit waits for that, too.
void complete_give_up(const Cell& table, OnFatal on_fatal, PoolSpec& spec) {
  constexpr int kFailures = 5;
  const bool is_wanted = on_fatal == OnFatal::Exit || table.find("give_up");
  if (is_wanted && !spec.give_up_failures) spec.give_up_failures = kFailures;
}

/// Also reads what the pool's env_file says.
void check_machine(Sourced<PoolConfig>& pool, const FindUser& find) {
  load_env_file(pool);
  check_required_env(pool);
  check_files(pool);
  check_user(pool, find);
  check_limits(pool);
}

template <class T>
std::vector<T> values_of(std::vector<Sourced<T>> sourced) {
  std::vector<T> values;
  values.reserve(sourced.size());
  for (Sourced<T>& part : sourced) values.push_back(std::move(part.value));
  return values;
}

}  // namespace

std::expected<Config, Problems> read_document(const Value& document,
                                              const std::vector<std::string>& files,
                                              const FindUser& find) {
  Problems problems;
  const Cell root(document, "", problems);
  check_tables(root);
  check_include(root);

  Config config;
  config.supervisor.runtime_dir = ipc::default_runtime_dir();
  if (const auto table = root.find("supervisor")) {
    read_table(*table, kSupervisorKeys, config.supervisor);
  }
  auto listeners = read_listeners(root);
  if (find) {
    for (Sourced<ListenerConfig>& listener : listeners) check_owner(listener, find);
  }
  auto pools = read_pools(root);
  check_ports(pools);
  for (Sourced<PoolConfig>& pool : pools) {
    check_listen(pool, listeners);
    check_placeholders(pool);
    check_probes(pool, listeners);
    check_times(pool);
    check_rolling(pool);
    complete_give_up(pool.table, config.supervisor.on_fatal, pool.value.spec);
    resolve_env_file(pool.value, files.at(pool.table.value().at.file));
    if (find) check_machine(pool, find);
  }
  check_order(pools);
  check_not_empty(root);

  if (!problems.empty()) {
    std::ranges::sort(problems, {}, [](const Problem& problem) {
      return std::tie(problem.at.file, problem.at, problem.path, problem.text);
    });
    return std::unexpected(std::move(problems));
  }
  config.listeners = values_of(std::move(listeners));
  config.pools = values_of(std::move(pools));
  for (ListenerConfig& listener : config.listeners) {
    listener.sockets = best_sockets(listener, config.pools);
  }
  return config;
}

}  // namespace reeve::supervisor::config
