// Loads a Config from a file or its text, and sums one up for `reeve check`.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "ipc/format/document.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/config/include.hpp"
#include "supervisor/config/read.hpp"
#include "supervisor/config/text_file.hpp"

namespace reeve::supervisor {
namespace {

std::unexpected<std::vector<ConfigError>> refuse(ConfigError error) {
  return std::unexpected(std::vector{std::move(error)});
}

/// `looks_at_files`: also at those that it includes.
LoadResult parse(std::string_view text, const std::string& file, const FindUser& find,
                 bool looks_at_files) {
  auto document = ipc::document::parse_document(text);
  if (!document) {
    const ipc::document::SyntaxError& error = document.error();
    return refuse({file, error.at.line, error.at.column, "not valid TOML: " + error.text});
  }
  config::Sources sources{.document = {}, .files = {file}, .errors = {}};
  if (looks_at_files) {
    sources = config::include_files(std::move(*document), file);
  } else {
    sources.document = std::move(*document);
  }
  auto read = config::read_document(sources.document, sources.files, find);
  if (read && sources.errors.empty()) return std::move(*read);
  std::vector<ConfigError> errors = std::move(sources.errors);
  if (read) return std::unexpected(std::move(errors));
  for (const config::Problem& problem : read.error()) {
    const std::string subject = problem.path.empty() ? "" : problem.path + ": ";
    errors.push_back({sources.files.at(problem.at.file), problem.at.line, problem.at.column,
                      subject + problem.text});
  }
  return std::unexpected(std::move(errors));
}

bool is_used(const Config& config, const std::string& listener) {
  return std::ranges::any_of(config.pools, [&](const PoolConfig& pool) {
    return std::ranges::find(pool.listen, listener) != pool.listen.end();
  });
}

/// su(1) stays as the parent of what it starts with -c, and has no patience with it.
bool runs_by_su(const std::vector<std::string>& command) {
  const std::string& program = command.front();
  const std::string name = program.substr(program.rfind('/') + 1);
  return (name == "su" || name == "runuser") &&
         std::ranges::any_of(command, [](const std::string& argument) {
           return argument.starts_with("-c") || argument.starts_with("--command");
         });
}

}  // namespace

LoadResult parse_config(std::string_view text, const std::string& file) {
  return parse(text, file, nullptr, false);
}

LoadResult load_config(const std::string& path, const FindUser& find) {
  const auto text = config::read_text_file(path);
  if (!text) return refuse({path, 0, 0, text.error().text});
  return parse(*text, path, find, true);
}

std::string to_string(const ConfigError& error) {
  if (error.file.empty()) return error.text;
  if (error.line == 0) return fmt::format("{}: {}", error.file, error.text);
  return fmt::format("{}:{}:{}: {}", error.file, error.line, error.column, error.text);
}

std::string summary(const Config& config) {
  std::string lines;
  for (const ListenerConfig& listener : config.listeners) {
    const bool used = is_used(config, listener.name);
    lines += fmt::format("  listen.{}: {}{}\n", listener.name, to_string(listener.address),
                         used ? "" : ", but no pool accepts its connections");
  }
  for (const PoolConfig& pool : config.pools) {
    const int workers = pool.spec.workers;
    lines += fmt::format("  pool.{}: {} {} of {}\n", pool.spec.name, workers,
                         workers == 1 ? "worker" : "workers", fmt::join(pool.command, " "));
    if (runs_by_su(pool.command)) {
      lines += fmt::format(
          "    warning: told to stop, {} kills the program after 2 s, whatever the grace is; write "
          "user = \"USER\" and the program itself as the command, or use setpriv(1)\n",
          pool.command.front());
    }
  }
  return lines;
}

}  // namespace reeve::supervisor
