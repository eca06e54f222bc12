#include "supervisor/config/variables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "ipc/environment.hpp"
#include "ipc/format/dotenv.hpp"
#include "supervisor/config/text_file.hpp"

namespace reeve::supervisor::config {
namespace {

namespace fs = std::filesystem;

/// The variables by which the master tells a worker who it is.
bool is_reserved(std::string_view variable) {
  return variable.starts_with("REEVE_") || variable.starts_with("LISTEN_") ||
         variable == "WATCHDOG_USEC" || variable == "WATCHDOG_PID" ||
         variable == ipc::environment::kNotifySocket;
}

/// Why a variable cannot have this name; empty when it can.
std::string_view refuse_variable(std::string_view name) {
  if (name.empty()) return "the name of a variable is empty";
  if (name.contains('=')) return "the name of a variable cannot contain \"=\"";
  if (name.contains('\0')) return "the name of a variable cannot contain a NUL byte";
  if (is_reserved(name)) return "reeve sets this variable itself, for each worker; remove it";
  return {};
}

/// The worker gets those from the `user` that it runs as.
bool comes_with_user(std::string_view name, const PoolConfig& pool) {
  return !pool.user.empty() && (name == "HOME" || name == "USER" || name == "LOGNAME");
}

/// What a worker would see of a variable; empty when it is not set.
std::string_view value_of(const std::string& name, const PoolConfig& pool) {
  for (const auto* variables : {&pool.env, &pool.env_from_file}) {
    if (const auto own = variables->find(name); own != variables->end()) return own->second;
  }
  const char* inherited = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread.
  return inherited ? inherited : std::string_view{};
}

/// A pipe would block the master, and a directory cannot be read.
std::expected<ipc::Variables, std::string> read_variables(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return std::unexpected("no such file");
  if (error) return std::unexpected(error.message());
  if (!fs::is_regular_file(status)) return std::unexpected("not a regular file");
  const auto text = read_text_file(path);
  if (!text) return std::unexpected(text.error().text);
  auto variables = ipc::parse_dotenv(*text);
  if (!variables) return variables;
  for (const auto& [name, value] : *variables) {
    if (is_reserved(name)) {
      return std::unexpected(fmt::format("{}: {}", name, refuse_variable(name)));
    }
  }
  return variables;
}

}  // namespace

void read_env(const Cell& cell, std::map<std::string, std::string>& to) {
  const Table* table = cell.table("a table such as { LOG_LEVEL = \"info\" }");
  if (!table) return;
  for (const Entry& variable : *table) {
    if (const auto why = refuse_variable(variable.key); !why.empty()) {
      cell.refuse_key(variable, std::string(why));
    } else if (auto value = cell.child(variable).text("a string, in quotes")) {
      to[variable.key] = std::move(*value);
    }
  }
}

void read_env_file(const Cell& cell, std::string& to) {
  auto path = cell.text("a string with the path of a file");
  if (!path) return;
  if (path->empty()) return cell.refuse("the path is empty; remove it, or name a file");
  to = std::move(*path);
}

void read_required_env(const Cell& cell, std::vector<std::string>& to) {
  auto names = cell.texts();
  if (!names) return;
  for (const Cell& element : cell.elements()) {
    const auto& name = std::get<std::string>(element.value().data);
    if (!ipc::is_variable_name(name)) {
      element.refuse(
          fmt::format("{} is not a variable name; use letters, digits and \"_\"", in_quotes(name)));
    }
  }
  to = std::move(*names);
}

void resolve_env_file(PoolConfig& pool, const std::string& file) {
  if (pool.env_file.empty()) return;
  std::error_code error;  // A working directory that is gone: the path stays relative to it.
  const fs::path base = fs::absolute(fs::path(file), error).parent_path();
  pool.env_file = (base / pool.env_file).lexically_normal();
}

void load_env_file(Sourced<PoolConfig>& pool) {
  const std::string& path = pool.value.env_file;
  if (path.empty()) return;
  auto variables = read_variables(path);
  if (!variables) {
    pool.table.find("env_file")->refuse(fmt::format("{}: {}", in_quotes(path), variables.error()));
    return;
  }
  for (auto& [name, value] : *variables) pool.value.env_from_file[name] = std::move(value);
}

void check_required_env(const Sourced<PoolConfig>& pool) {
  std::vector<std::string_view> missing;
  for (const std::string& name : pool.value.required_env) {
    const bool is_overlaid =
        pool.value.env.contains(name) || pool.value.env_from_file.contains(name);
    if (!is_overlaid && comes_with_user(name, pool.value)) continue;
    if (value_of(name, pool.value).empty()) missing.push_back(name);
  }
  if (missing.empty()) return;
  pool.table.find("required_env")
      ->refuse(fmt::format("not set: {}; set {} in env, in env_file or in the environment of reeve",
                           fmt::join(missing, ", "), missing.size() == 1 ? "it" : "them"));
}

}  // namespace reeve::supervisor::config
