#pragma once
// Probes in the configuration: the keys of `ready` and `health` that they share, the rules about
// which worker a probe can ask, and what messages call them. Complains as Cell does. Pure.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/checks.hpp"
#include "supervisor/config/keys.hpp"

namespace reeve::supervisor {

/// The port that the probe asks of a worker of the slot; 0: it is none of a port.
[[nodiscard]] int port_of(const Probe& probe, const PoolConfig& pool, int slot);
/// What did not come: "no 200 from http://127.0.0.1:9000/healthz".
[[nodiscard]] std::string lack_of(const Probe& probe, const PoolConfig& pool, int slot);

namespace config {

void read_http(const Cell& cell, Probe& to);
void read_tcp(const Cell& cell, Probe& to);
void read_probe_command(const Cell& cell, Probe& to);
void read_probe_host(const Cell& cell, Probe& to);
void read_probe_port(const Cell& cell, Probe& to);
void read_status(const Cell& cell, Probe& to);
void read_probe_timeout(const Cell& cell, Probe& to);

/// `own` keys of a table whose values also have a `probe`, and those of the probe.
template <class T, std::size_t N>
consteval std::array<Key<T>, N + 7> and_probe_keys(const std::array<Key<T>, N>& own) {
  using enum Need;
  const std::array<Key<T>, 7> shared{{
      {"http", Optional, "", "", [](const Cell& cell, T& to) { read_http(cell, to.probe); }},
      {"tcp", Optional, "", "", [](const Cell& cell, T& to) { read_tcp(cell, to.probe); }},
      {"command", Optional, "", "",
       [](const Cell& cell, T& to) { read_probe_command(cell, to.probe); }},
      {"host", Optional, "", "", [](const Cell& cell, T& to) { read_probe_host(cell, to.probe); }},
      {"port", Optional, "", "", [](const Cell& cell, T& to) { read_probe_port(cell, to.probe); }},
      {"status", Optional, "", "", [](const Cell& cell, T& to) { read_status(cell, to.probe); }},
      {"timeout", Optional, "", "",
       [](const Cell& cell, T& to) { read_probe_timeout(cell, to.probe); }},
  }};
  std::array<Key<T>, N + 7> all{};
  std::ranges::copy(own, all.begin());
  std::ranges::copy(shared, all.begin() + N);
  return all;
}

/// Whether the table of `ready` or `health` says one thing, and only with keys that belong to it.
/// Complains otherwise. `others` are what it may say in place of a probe.
[[nodiscard]] bool check_probe_keys(const Cell& table,
                                    std::initializer_list<std::string_view> others);
/// Whether it says a probe.
[[nodiscard]] bool is_probe(const Cell& table);

void read_health(const Cell& cell, std::optional<HealthRule>& to);

/// Each probe can choose the worker that it asks: it knows a port, which is of one worker alone.
void check_probes(const Sourced<PoolConfig>& pool,
                  const std::vector<Sourced<ListenerConfig>>& listeners);

}  // namespace config
}  // namespace reeve::supervisor
