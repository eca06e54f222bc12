#include "worker/lifespan/environment.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::worker {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_name(std::string_view name) {
  const auto in_name = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, in_name);
}

/// A quoted value as it stands between its quotes; any other up to a comment.
std::string_view unquote(std::string_view value) {
  if (!value.empty() && (value[0] == '"' || value[0] == '\'')) {
    const std::size_t end = value.find(value[0], 1);
    if (end != std::string_view::npos) return value.substr(1, end - 1);
  }
  return trim(value.substr(0, value.find(" #")));
}

/// Nothing when there is no such file.
std::expected<std::optional<std::string>, std::string> read_file(const std::string& path) {
  const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  std::string text;
  char buffer[4096];
  ssize_t count = fd ? ::read(fd.get(), buffer, sizeof buffer) : -1;
  for (; count > 0; count = ::read(fd.get(), buffer, sizeof buffer)) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  if (count < 0) return std::unexpected(ipc::errno_text(errno));
  return text;
}

void set_if_unset(const Variables& variables) {
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 0);
}

std::expected<void, std::string> apply_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(fmt::format("{}: {}", path, text.error()));
  if (!text->has_value()) return {};
  const auto variables = parse_environment_file(**text);
  if (!variables) return std::unexpected(fmt::format("{}: {}", path, variables.error()));
  set_if_unset(*variables);
  return {};
}

}  // namespace

std::expected<Variables, std::string> parse_environment_file(std::string_view text) {
  Variables variables;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;

    if (line.starts_with("export ")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return std::unexpected(fmt::format("line {}: no '=' after the name", number));
    }
    const std::string_view name = trim(line.substr(0, equals));
    if (!is_name(name)) {
      return std::unexpected(fmt::format("line {}: '{}' is no variable's name", number, name));
    }
    variables.emplace_back(name, unquote(trim(line.substr(equals + 1))));
  }
  return variables;
}

std::expected<void, std::string> apply(const Environment& environment) {
  if (!environment.file.empty()) {
    if (auto applied = apply_file(environment.file); !applied) return applied;
  }
  set_if_unset(environment.defaults);

  std::vector<std::string_view> missing;
  for (const std::string& name : environment.required) {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') missing.push_back(name);
  }
  if (missing.empty()) return {};
  return std::unexpected(fmt::format("required but not set: {}", fmt::join(missing, ", ")));
}

}  // namespace reeve::worker
