#include "supervisor/config/probe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "supervisor/config/values.hpp"

namespace reeve::supervisor {
namespace {

const Probe* probe_for_ready(const PoolConfig& pool) {
  const auto* rule = std::get_if<ReadyProbe>(&pool.ready);
  return rule == nullptr ? nullptr : &rule->probe;
}
const Probe* probe_for_health(const PoolConfig& pool) {
  return pool.health ? &pool.health->probe : nullptr;
}

bool asks_a_port(const Probe* probe) {
  return probe != nullptr && probe->kind != Probe::Kind::Command;
}

}  // namespace

bool binds_ports(const PoolConfig& pool) {
  return pool.port || asks_a_port(probe_for_ready(pool)) || asks_a_port(probe_for_health(pool));
}

int port_of(const Probe& probe, const PoolConfig& pool, int slot) {
  if (!asks_a_port(&probe)) return 0;
  if (probe.port) return *probe.port;
  return pool.port ? *pool.port + slot : 0;
}

std::string lack_of(const Probe& probe, const PoolConfig& pool, int slot) {
  const int port = port_of(probe, pool, slot);
  std::string host = probe.host.empty() ? "127.0.0.1" : probe.host;
  if (host.contains(':')) host = fmt::format("[{}]", host);
  switch (probe.kind) {
    case Probe::Kind::Http:
      return fmt::format("no {} from http://{}:{}{}", fmt::join(probe.status, " or "), host, port,
                         probe.path);
    case Probe::Kind::Tcp:
      return fmt::format("no connection to {}:{}", host, port);
    case Probe::Kind::Command:
      return fmt::format("no exit code 0 from {}", config::in_quotes(probe.command.front()));
  }
  std::unreachable();
}

namespace config {
namespace {

constexpr std::size_t kLongestPath = 1000;
constexpr std::size_t kLongestHost = 253;  // Of a name in the DNS.
constexpr Range<int> kPorts{.least = 1, .most = 65535};
constexpr Range<int> kStatuses{.least = 100, .most = 599};
constexpr Range<Duration> kTimes{.least = std::chrono::milliseconds(10),
                                 .most = std::chrono::hours(1)};
constexpr Range<int> kProbeFailures{.least = 1, .most = 1'000};

constexpr std::array<std::string_view, 3> kKinds{"http", "tcp", "command"};
constexpr std::string_view kHealthWanted =
    "a table such as { http = \"/healthz\", interval = \"5s\", failures = 3 }";
constexpr std::string_view kWithoutAPort =
    "\"notify\", { log = \"regex\" } or { command = [\"check\"] }";

constexpr auto kHealthKeys = and_probe_keys(std::to_array<Key<HealthRule>>({
    {"interval", Need::Optional, "", "",
     [](const Cell& cell, HealthRule& to) { cell.read(to.interval, kTimes); }},
    {"failures", Need::Optional, "", "",
     [](const Cell& cell, HealthRule& to) { cell.read(to.failures, kProbeFailures); }},
}));

bool is_visible(char c) { return c > ' ' && c <= '~'; }
bool is_of_a_host(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == ':';
}

/// A rule for all workers of a pool alike asks of none of them in particular.
void check_probe(const Cell& cell, const Probe& probe, const PoolConfig& pool,
                 const std::vector<Sourced<ListenerConfig>>& listeners) {
  if (!asks_a_port(&probe)) return;
  const auto shared = std::ranges::find_if(listeners, [&](const auto& listener) {
    const ListenerConfig& one = listener.value;
    const bool is_ours = std::ranges::find(pool.listen, one.name) != pool.listen.end();
    return is_ours && (!port_of(probe, pool, 0) ||
                       (is_tcp(one.address) && probe.port && one.address.port == *probe.port));
  });
  if (shared != listeners.end()) {
    cell.refuse(
        fmt::format("the workers share listen.{}, where a probe cannot choose which one it "
                    "asks; use {}, or give each a port of its own with `port`",
                    shared->value.name, kWithoutAPort));
  } else if (port_of(probe, pool, 0) == 0) {
    cell.refuse("it is not said at which port; add port = 8080, or set the `port` of the pool");
  } else if (probe.port && pool.spec.workers > 1) {
    cell.refuse(
        fmt::format("{} workers and one port, {}: a probe cannot choose which one it asks; use {}, "
                    "or give each a port of its own with the `port` of the pool",
                    pool.spec.workers, *probe.port, kWithoutAPort));
  }
}

}  // namespace

void read_http(const Cell& cell, Probe& to) {
  const auto path = cell.text("a string with a path, as \"/healthz\"");
  if (!path) return;
  to.kind = Probe::Kind::Http;
  if (!path->starts_with('/') || path->size() > kLongestPath ||
      !std::ranges::all_of(*path, is_visible)) {
    return cell.refuse(fmt::format("{} is no path of HTTP, as \"/healthz\" is", in_quotes(*path)));
  }
  to.path = *path;
}

void read_tcp(const Cell& cell, Probe& to) {
  to.kind = Probe::Kind::Tcp;
  const auto* word = std::get_if<std::string>(&cell.value().data);
  if (word != nullptr && *word == "${port}") return;
  int port = 0;
  cell.read(port, kPorts, ", or \"${port}\"");
  if (port != 0) to.port = port;
}

void read_probe_command(const Cell& cell, Probe& to) {
  to.kind = Probe::Kind::Command;
  read_command(cell, to.command);
}

void read_probe_host(const Cell& cell, Probe& to) {
  const auto host = cell.text();
  if (!host) return;
  if (host->empty() || host->size() > kLongestHost || !std::ranges::all_of(*host, is_of_a_host)) {
    return cell.refuse(fmt::format("{} is neither an address nor a name", in_quotes(*host)));
  }
  to.host = *host;
}

void read_probe_port(const Cell& cell, Probe& to) { cell.read(to.port, kPorts); }

void read_status(const Cell& cell, Probe& to) {
  std::vector<int> all;
  if (std::holds_alternative<Array>(cell.value().data)) {
    for (const Cell& element : cell.elements()) element.read(all.emplace_back(), kStatuses);
    if (all.empty()) return cell.refuse("the array is empty; no answer would be right");
  } else {
    cell.read(all.emplace_back(), kStatuses, ", or an array of them");
  }
  to.status = std::move(all);
}

void read_probe_timeout(const Cell& cell, Probe& to) { cell.read(to.timeout, kTimes); }

bool is_probe(const Cell& table) {
  return std::ranges::any_of(kKinds,
                             [&](std::string_view kind) { return table.find(kind).has_value(); });
}

bool check_probe_keys(const Cell& table, std::initializer_list<std::string_view> others) {
  std::vector<std::string_view> all(others);
  std::ranges::copy(kKinds, std::back_inserter(all));
  std::erase_if(all, [&](std::string_view key) { return !table.find(key); });
  if (all.size() > 1) {
    table.refuse(fmt::format("has both \"{}\" and \"{}\"; remove one", all[0], all[1]));
    return false;
  }
  const std::string_view said = all.empty() ? "" : all.front();
  const auto belongs = [&](std::string_view key) {
    if (key == "status") return said == "http";
    if (key == "host" || key == "port") return said == "http" || (said == "tcp" && key == "host");
    return key != "timeout" || is_probe(table);
  };
  for (const std::string_view key : {"host", "port", "status", "timeout"}) {
    const auto cell = table.find(key);
    if (!cell || belongs(key)) continue;
    cell->refuse(said.empty() ? "is of { http = \"/healthz\" }, which is missing"
                              : fmt::format("means nothing beside \"{}\"; remove it", said));
    return false;
  }
  return true;
}

void read_health(const Cell& cell, std::optional<HealthRule>& to) {
  if (cell.table(kHealthWanted) == nullptr) return;
  HealthRule rule;
  read_table(cell, kHealthKeys, rule);
  if (!check_probe_keys(cell, {})) return;
  if (!is_probe(cell)) return cell.refuse("has no \"http\", \"tcp\" or \"command\"; add one");
  to = std::move(rule);
}

void check_probes(const Sourced<PoolConfig>& pool,
                  const std::vector<Sourced<ListenerConfig>>& listeners) {
  if (const Probe* probe = probe_for_ready(pool.value)) {
    check_probe(*pool.table.find("ready"), *probe, pool.value, listeners);
  }
  if (const Probe* probe = probe_for_health(pool.value)) {
    check_probe(*pool.table.find("health"), *probe, pool.value, listeners);
  }
}

}  // namespace config
}  // namespace reeve::supervisor
