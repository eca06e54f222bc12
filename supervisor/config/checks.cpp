#include "supervisor/config/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "ipc/base/duration.hpp"
#include "ipc/base/nearest.hpp"
#include "supervisor/config/probe.hpp"
#include "supervisor/config/program.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::string_view kPlaceholder = "${";
constexpr std::string_view kListener = "fd:";
constexpr int kLastPort = 65535;

/// The elements of an array that are strings, with their cells.
std::vector<std::pair<Cell, std::string_view>> strings_of(const Cell& table, std::string_view key) {
  std::vector<std::pair<Cell, std::string_view>> strings;
  const auto array = table.find(key);
  if (!array) return strings;
  for (const Cell& element : array->elements()) {
    const auto* text = std::get_if<std::string>(&element.value().data);
    if (text) strings.emplace_back(element, *text);
  }
  return strings;
}

/// The kernel chooses port 0 anew for each listener.
bool may_repeat(const ipc::Address& address) { return is_tcp(address) && address.port == 0; }

void check_placeholder(const Cell& argument, std::string_view word, const PoolConfig& pool) {
  const std::vector<std::string_view> known(pool.listen.begin(), pool.listen.end());
  if (word == "slot" || (word == "port" && pool.port)) return;
  if (word == "port") return argument.refuse("${port} is of a pool with a `port`; set it");
  if (!word.starts_with(kListener)) {
    return argument.refuse(fmt::format(
        "${{{0}}} means nothing here, only ${{fd:NAME}}, ${{slot}} and ${{port}} do; write "
        "$${{{0}}} to pass it on",
        word));
  }
  const std::string_view name = word.substr(kListener.size());
  if (std::ranges::find(known, name) != known.end()) return;
  argument.refuse(
      fmt::format("${{fd:{}}} is not one of the pool's listeners{}; add it to \"listen\"", name,
                  ipc::did_you_mean(name, known)));
}

void check_placeholders_in(const Cell& argument, std::string_view text, const PoolConfig& pool) {
  for (std::size_t start = 0; (start = text.find(kPlaceholder, start)) != std::string_view::npos;) {
    const bool is_escaped = start > 0 && text[start - 1] == '$';
    start += kPlaceholder.size();
    if (is_escaped) continue;
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) {
      return argument.refuse("\"${\" without its \"}\"; write ${fd:NAME}, or $${ to pass it on");
    }
    check_placeholder(argument, text.substr(start, end - start), pool);
  }
}

}  // namespace

void check_addresses(const std::vector<Sourced<ListenerConfig>>& listeners) {
  for (auto later = listeners.begin(); later != listeners.end(); ++later) {
    const auto address = later->table.find("address");
    if (!address || may_repeat(later->value.address)) continue;
    const auto is_named = [](const auto& other) { return other.table.find("address").has_value(); };
    const auto same = std::find_if(listeners.begin(), later, [&](const auto& other) {
      return other.value.address == later->value.address && is_named(other);
    });
    const auto wider = std::ranges::find_if(listeners, [&](const auto& other) {
      return is_named(other) && other.value.address != later->value.address &&
             covers(other.value.address, later->value.address);
    });
    if (same == later && wider != listeners.end()) {
      address->refuse(fmt::format("{} is part of {}, the address of listen.{}; remove one of them",
                                  to_string(later->value.address), to_string(wider->value.address),
                                  wider->value.name));
    }
    if (same == later) continue;
    address->refuse(fmt::format("{} is the address of listen.{} already; give it another",
                                to_string(later->value.address), same->value.name));
  }
}

void check_sockets(const std::vector<Sourced<ListenerConfig>>& listeners) {
  for (const auto& [listener, table] : listeners) {
    if (listener.sockets == Sockets::PerWorker && !is_tcp(listener.address)) {
      table.find("sockets")->refuse(
          fmt::format("{} cannot have a socket for each worker, only a TCP address can; remove it, "
                      "or say \"shared\"",
                      to_string(listener.address)));
    }
    const bool has_file = listener.address.kind == ipc::Address::Kind::Unix &&
                          !listener.address.path.starts_with('@');
    const std::pair<std::string_view, bool> of_a_file[] = {{"mode", listener.mode.has_value()},
                                                           {"owner", !listener.owner.empty()},
                                                           {"group", !listener.group.empty()}};
    for (const auto& [key, is_set] : of_a_file) {
      if (is_set && !has_file) {
        table.find(key)->refuse(
            fmt::format("{} has no file of the master's own, only unix:/PATH has; remove it",
                        to_string(listener.address)));
      }
    }
  }
}

void check_listen(const Sourced<PoolConfig>& pool,
                  const std::vector<Sourced<ListenerConfig>>& listeners) {
  std::vector<std::string_view> known;
  known.reserve(listeners.size());
  for (const auto& listener : listeners) known.push_back(listener.value.name);
  std::set<std::string_view> seen;
  for (const auto& [cell, name] : strings_of(pool.table, "listen")) {
    if (std::ranges::find(known, name) == known.end()) {
      const std::string meant = ipc::did_you_mean(name, known);
      cell.refuse(
          fmt::format("no listener named {}{}", in_quotes(name),
                      meant.empty() ? fmt::format("; add a table [listen.{}]", name) : meant));
    } else if (!seen.insert(name).second) {
      cell.refuse(fmt::format("{} is listed twice; remove one", in_quotes(name)));
    }
  }
}

void check_placeholders(const Sourced<PoolConfig>& pool) {
  for (const auto& [cell, text] : strings_of(pool.table, "command")) {
    check_placeholders_in(cell, text, pool.value);
  }
  for (const std::string_view key : {"ready.command", "health.command"}) {
    for (const auto& [cell, text] : strings_of(pool.table, key)) {
      if (text.contains("${fd:")) {
        cell.refuse("a probe gets no listeners; remove ${fd:NAME}");
      } else {
        check_placeholders_in(cell, text, pool.value);
      }
    }
  }
}

void check_ports(std::vector<Sourced<PoolConfig>>& pools) {
  for (auto later = pools.begin(); later != pools.end(); ++later) {
    PoolConfig& pool = later->value;
    if (!binds_ports(pool)) continue;
    if (later->table.find("rolling.surge") && pool.spec.surge > 0) {
      later->table.find("rolling.surge")
          ->refuse("two workers of a slot cannot have one port; remove it");
    }
    pool.spec.surge = 0;  // It makes room first.
    pool.spec.max_unavailable = std::max(pool.spec.max_unavailable, 1);
    if (!pool.port) continue;
    const Cell cell = *later->table.find("port");
    const auto last_of = [](const PoolConfig& of) {
      return *of.port + std::max(of.spec.workers, 1) - 1;
    };
    if (last_of(pool) > kLastPort) {
      cell.refuse(fmt::format("{} workers from {} on need ports beyond {}", pool.spec.workers,
                              *pool.port, kLastPort));
    }
    for (auto other = pools.begin(); other != later; ++other) {
      const PoolConfig& earlier = other->value;
      const bool apart =
          !earlier.port || last_of(earlier) < *pool.port || last_of(pool) < *earlier.port;
      if (apart) continue;
      cell.refuse(fmt::format("{} to {} overlap with those of pool.{}, {} to {}", *pool.port,
                              last_of(pool), earlier.spec.name, *earlier.port, last_of(earlier)));
    }
  }
}

void check_times(const Sourced<PoolConfig>& pool) {
  const PoolSpec& spec = pool.value.spec;
  const auto ready = pool.table.find("ready");
  const auto* word = ready ? std::get_if<std::string>(&ready->value().data) : nullptr;
  if (const auto after = pool.table.find("started_after");
      after && std::holds_alternative<std::string>(after->value().data) &&
      (word == nullptr || *word != "started")) {
    after->refuse("is for ready = \"started\" only; set that, or remove this");
  }
  if (spec.ready_after && *spec.ready_after >= spec.start_timeout) {
    pool.table.find("ready")->refuse(fmt::format(
        "ready after {}, but killed at the start_timeout of {}: it would never serve; "
        "raise start_timeout",
        ipc::write_duration(*spec.ready_after), ipc::write_duration(spec.start_timeout)));
  }
  if (spec.backoff_max < spec.backoff_first) {
    pool.table.find("backoff")->refuse(fmt::format("first, {}, is longer than max, {}; raise max",
                                                   ipc::write_duration(spec.backoff_first),
                                                   ipc::write_duration(spec.backoff_max)));
  }
}

void check_rolling(const Sourced<PoolConfig>& pool) {
  const PoolSpec& spec = pool.value.spec;
  if (spec.surge > 0 || spec.max_unavailable > 0) return;
  pool.table.find("rolling.surge")
      ->refuse(
          "without successors beside the old workers, a roll has to empty slots first: set "
          "max_unavailable to 1 or more, or surge to 1");
}

void check_files(const Sourced<PoolConfig>& pool) {
  const std::string& directory = pool.value.directory;
  std::error_code error;
  if (!directory.empty() && !std::filesystem::is_directory(directory, error)) {
    pool.table.find("directory")->refuse(fmt::format("no such directory {}", in_quotes(directory)));
    return;  // A relative program is sought in it.
  }
  if (pool.value.command.empty()) return;
  if (const auto program = find_program(pool.value); !program) {
    pool.table.find("command")->elements().front().refuse(program.error());
  }
  for (const std::string_view key : {"ready.command", "health.command"}) {
    const auto strings = strings_of(pool.table, key);
    if (strings.empty() || strings.front().second.empty()) continue;
    PoolConfig asking = pool.value;
    asking.command = {std::string(strings.front().second)};
    if (const auto program = find_program(asking); !program) {
      strings.front().first.refuse(program.error());
    }
  }
}

}  // namespace reeve::supervisor::config
