#include "supervisor/config/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "ipc/base/duration.hpp"
#include "ipc/base/nearest.hpp"
#include "supervisor/config/program.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::string_view kPlaceholder = "${fd:";

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

void check_placeholders_in(const Cell& argument, std::string_view text, const PoolConfig& pool) {
  const std::vector<std::string_view> known(pool.listen.begin(), pool.listen.end());
  while (true) {
    const std::size_t start = text.find(kPlaceholder);
    if (start == std::string_view::npos) return;
    text.remove_prefix(start + kPlaceholder.size());
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) {
      return argument.refuse("\"${fd:\" without its \"}\"; write ${fd:NAME}");
    }
    const std::string_view name = text.substr(0, end);
    if (std::ranges::find(known, name) == known.end()) {
      argument.refuse(
          fmt::format("${{fd:{}}} is not one of the pool's listeners{}; add it to \"listen\"", name,
                      ipc::did_you_mean(name, known)));
    }
  }
}

}  // namespace

void check_addresses(const std::vector<Sourced<ListenerConfig>>& listeners) {
  for (auto later = listeners.begin(); later != listeners.end(); ++later) {
    const auto address = later->table.find("address");
    if (!address || may_repeat(later->value.address)) continue;
    const auto earlier = std::find_if(listeners.begin(), later, [&](const auto& other) {
      return other.value.address == later->value.address && other.table.find("address");
    });
    if (earlier == later) continue;
    address->refuse(fmt::format("{} is the address of listen.{} already; give it another",
                                to_string(later->value.address), earlier->value.name));
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
}

void check_times(const Sourced<PoolConfig>& pool) {
  const PoolSpec& spec = pool.value.spec;
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
}

}  // namespace reeve::supervisor::config
