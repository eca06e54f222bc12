// `reeve run --listen ADDR --workers N -- COMMAND`: the command line as if it were a file, so that
// both are read, checked and complained about by the same code.

#include <fmt/format.h>

#include <utility>

#include "ipc/base/text.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/config/document.hpp"
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

/// "after=2s" is { after = "2s" }, "log=REGEX" is { log = "REGEX" }; a word stays one.
Entry ready(const std::string& rule) {
  for (const std::string kind : {"after", "log"}) {
    if (rule.starts_with(kind + "=")) {
      return table("ready", {text(kind, rule.substr(kind.size() + 1))});
    }
  }
  return text("ready", rule);
}

Value as_document(const QuickOptions& options) {
  Table listeners;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < options.listen.size(); ++i) {
    names.push_back(listener_name(i));
    listeners.push_back(table(names.back(), {text("address", options.listen[i])}));
  }
  Table pool{texts("command", options.command), workers(options.workers), texts("listen", names),
             ready(options.ready)};
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
  auto read = config::read_document(as_document(options), config::Depth::Machine);
  if (read) return std::move(*read);
  std::vector<ConfigError> errors;
  for (const Problem& problem : read.error()) {
    errors.push_back({"", 0, 0, fmt::format("{}: {}", as_typed(problem.path), problem.text)});
  }
  return std::unexpected(std::move(errors));
}

}  // namespace reeve::supervisor
