#include "supervisor/config/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ranges>
#include <string_view>
#include <system_error>
#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/base/unique_fd.hpp"
#include "supervisor/config/cell.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";  // As execvp(3) has it.

/// BINPRM_BUF_SIZE of the kernel.
constexpr std::size_t kLongestFirstLine = 256;

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

std::optional<std::string> in_path(const PoolConfig& pool, std::string_view name) {
  const std::string path = search_path(pool);
  for (const auto part : std::views::split(path, ':')) {
    const std::string_view folder(part.begin(), part.end());
    // An empty part means the working directory to a shell. Nobody wants that of a service.
    if (folder.empty()) continue;
    const fs::path candidate = fs::path(folder) / name;
    if (is_executable(seen_by_worker(pool, candidate))) return candidate.string();
  }
  return std::nullopt;
}

/// The beginning of a file, as much as execve(2) looks at; empty where it cannot be read.
std::string head_of(const fs::path& file) {
  std::string head(kLongestFirstLine, '\0');
  const ipc::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const ssize_t size = fd ? ::read(fd.get(), head.data(), head.size()) : 0;
  head.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return head;
}

bool is_text(std::string_view head) {
  return !head.empty() && std::ranges::all_of(head, [](char c) {
    return static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\r' || c == '\t';
  });
}

/// Why a script cannot be executed; empty: it is none, or it can. What execve(2) says of it is that
/// there is no such file, which is no help.
std::string why_not_executed(const PoolConfig& pool, const fs::path& program) {
  const std::string head = head_of(program);
  const std::string name = config::in_quotes(program.string());
  if (!head.starts_with("#!")) {
    if (!is_text(head)) return "";
    return fmt::format(
        "{} is a script without \"#!/bin/sh\", or the like, as its first line; add it", name);
  }
  std::string_view line = std::string_view(head).substr(2, head.find('\n') - 2);
  if (line.ends_with('\r')) {
    return fmt::format(
        "the first line of {} ends with CR LF, as on Windows, so that its interpreter "
        "is not found; convert it: sed -i 's/\\r$//'",
        name);
  }
  const std::string interpreter(ipc::next_word(line).value_or(""));
  if (!is_executable(seen_by_worker(pool, interpreter))) {
    return fmt::format(
        "{} wants the interpreter {}, which is not there; install it, or correct the "
        "first line",
        name, config::in_quotes(interpreter));
  }
  const auto word = ipc::next_word(line);
  const bool is_sought = interpreter.ends_with("/env") && word && !word->starts_with('-') &&
                         !word->contains('=') && !word->contains('/');
  if (is_sought && !in_path(pool, *word)) {
    return fmt::format(
        "{} wants the interpreter {}, which is not in PATH ({}); install it, or "
        "correct the first line",
        name, config::in_quotes(*word), search_path(pool));
  }
  return "";
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
  std::string program = name;
  if (name.contains('/')) {
    if (!is_executable(seen_by_worker(pool, name))) return refuse(seen_by_worker(pool, name));
  } else if (auto found = in_path(pool, name)) {
    program = std::move(*found);
  } else {
    return std::unexpected(
        fmt::format("no program {} in PATH ({})", config::in_quotes(name), search_path(pool)));
  }
  std::string why = why_not_executed(pool, seen_by_worker(pool, program));
  if (!why.empty()) return std::unexpected(std::move(why));
  return program;
}

}  // namespace reeve::supervisor
