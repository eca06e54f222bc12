#include "supervisor/config/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <ranges>
#include <string_view>
#include <system_error>

#include "supervisor/config/cell.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";  // As execvp(3) has it.

bool is_executable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::string search_path(const PoolConfig& pool) {
  for (const auto* variables : {&pool.env, &pool.env_from_file}) {
    if (const auto own = variables->find("PATH"); own != variables->end()) return own->second;
  }
  const char* inherited = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): one thread.
  return std::string(inherited ? inherited : kDefaultPath);
}

/// What `path` means to a worker, whose working directory is the pool's.
fs::path seen_by_worker(const PoolConfig& pool, const fs::path& path) {
  return fs::path(pool.directory) / path;  // An absolute path replaces the directory.
}

std::expected<std::string, std::string> refuse(const fs::path& program) {
  std::error_code error;
  const fs::file_status status = fs::status(program, error);
  const std::string name = config::in_quotes(program.string());
  if (status.type() == fs::file_type::not_found) {
    const std::string where = program.is_relative()
                                  ? fmt::format(", seen from {}", fs::current_path(error).string())
                                  : "";
    return std::unexpected(fmt::format("no such program {}{}", name, where));
  }
  if (error) return std::unexpected(fmt::format("cannot look at {}: {}", name, error.message()));
  if (status.type() != fs::file_type::regular) {
    return std::unexpected(fmt::format("{} is not a program but a {}", name,
                                       fs::is_directory(status) ? "directory" : "special file"));
  }
  return std::unexpected(fmt::format("{} is not executable for this user (chmod +x?)", name));
}

}  // namespace

std::expected<std::string, std::string> find_program(const PoolConfig& pool) {
  const std::string& name = pool.command.front();
  if (name.contains('/')) {
    if (is_executable(seen_by_worker(pool, name))) return name;
    return refuse(seen_by_worker(pool, name));
  }
  const std::string path = search_path(pool);
  for (const auto part : std::views::split(path, ':')) {
    const std::string_view folder(part.begin(), part.end());
    // An empty part means the working directory to a shell. Nobody wants that of a service.
    if (folder.empty()) continue;
    const fs::path candidate = fs::path(folder) / name;
    if (is_executable(seen_by_worker(pool, candidate))) return candidate.string();
  }
  return std::unexpected(fmt::format("no program {} in PATH ({})", config::in_quotes(name), path));
}

}  // namespace reeve::supervisor
