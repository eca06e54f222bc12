// `reeve run --listen ADDR --workers N -- COMMAND`: the command line as if it were a file, so that
// both are read, checked and complained about by the same code.

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "ipc/base/text.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/config/read.hpp"

namespace reeve::supervisor {
namespace {

using config::Array;
using config::Entry;
using config::Problem;
using config::Table;
using config::Value;

Entry entry(std::string key, Value value) {
  return {.key = std::move(key), .at = {}, .value = std::move(value)};
}
Entry text(std::string key, std::string value) {
  return entry(std::move(key), {std::move(value), {}});
}
Entry table(std::string key, Table entries) {
  return entry(std::move(key), {std::move(entries), {}});
}

std::string listener_name(std::size_t index) { return fmt::format("listen{}", index + 1); }

Entry texts(std::string key, const std::vector<std::string>& values) {
  Array array;
  for (const std::string& value : values) array.push_back({value, {}});
  return entry(std::move(key), {std::move(array), {}});
}

Entry workers(const std::string& count) {
  if (const auto number = ipc::parse_number<std::int64_t>(count)) {
    return entry("workers", {*number, {}});
  }
  return text("workers", count);
}

/// "after=2s" is { after = "2s" }, "log=REGEX" is { log = "REGEX" }; nothing for what is no rule.
std::optional<Entry> ready(const std::string& rule) {
  if (rule == "started" || rule == "notify") return text("ready", rule);
  const std::size_t equals = rule.find('=');
  const std::string kind = rule.substr(0, equals);
  if (equals == std::string::npos || (kind != "after" && kind != "log")) return std::nullopt;
  return table("ready", {text(kind, rule.substr(equals + 1))});
}

Value as_document(const QuickOptions& options) {
  Table listeners;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < options.listen.size(); ++i) {
    names.push_back(listener_name(i));
    listeners.push_back(table(names.back(), {text("address", options.listen[i])}));
  }
  Table pool{texts("command", options.command), workers(options.workers), texts("listen", names)};
  if (auto rule = ready(options.ready)) pool.push_back(std::move(*rule));
  return {
      Table{table("listen", std::move(listeners)), table("pool", {table("main", std::move(pool))})},
      {}};
}

/// What the user typed that a path of the document stands for.
std::string_view as_typed(std::string_view path) {
  if (path.starts_with("listen.")) return "--listen";
  if (path.starts_with("pool.main.ready")) return "--ready";
  if (path == "pool.main.workers") return "--workers";
  return "COMMAND";
}

}  // namespace

LoadResult quick_config(const QuickOptions& options) {
  std::vector<ConfigError> errors;
  if (!ready(options.ready)) {
    errors.push_back(
        {"", 0, 0,
         fmt::format("--ready: expected started, notify, after=2s or log=REGEX, found {}",
                     config::in_quotes(options.ready))});
  }
  auto read = config::read_document(as_document(options), {""}, find_user);
  if (!read) {
    for (const Problem& problem : read.error()) {
      errors.push_back({"", 0, 0, fmt::format("{}: {}", as_typed(problem.path), problem.text)});
    }
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return std::move(*read);
}

}  // namespace reeve::supervisor
