#include "worker/lifespan/environment.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/text.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/format/dotenv.hpp"
#include "worker/lifespan/variable_value.hpp"

namespace reeve::worker {
namespace {

constexpr std::size_t kMostShown = 64;

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

void set_if_unset(const ipc::Variables& variables) {
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 0);
}

std::expected<void, std::string> apply_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(fmt::format("{}: {}", path, text.error()));
  if (!text->has_value()) return {};
  const auto variables = ipc::parse_dotenv(**text);
  if (!variables) return std::unexpected(fmt::format("{}: {}", path, variables.error()));
  set_if_unset(*variables);
  return {};
}

const char* value_of(const std::string& name) {
  return std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): before any thread.
}

bool is_empty(const std::string& name) {
  const char* value = value_of(name);
  return value == nullptr || *value == '\0';
}

void apply_fallback(const Variable& variable) {
  if (!variable.fallback) return;
  const int overwrite = !may_be_empty(variable.type) && is_empty(variable.name) ? 1 : 0;
  ::setenv(variable.name.c_str(), variable.fallback->c_str(), overwrite);
}

void add_missing(const Environment& environment, std::vector<std::string>& mistakes) {
  std::vector<std::string_view> missing;
  const auto check = [&missing](const std::string& name) {
    if (is_empty(name) && std::ranges::count(missing, name) == 0) missing.push_back(name);
  };
  for (const std::string& name : environment.required) check(name);
  for (const Variable& variable : environment.variables) {
    if (variable.required) check(variable.name);
  }
  if (missing.empty()) return;
  mistakes.push_back(fmt::format("required but not set: {}", fmt::join(missing, ", ")));
}

void add_mistake(const Variable& variable, std::vector<std::string>& mistakes) {
  const char* value = value_of(variable.name);
  if (value == nullptr || (*value == '\0' && !may_be_empty(variable.type))) return;
  if (is_valid(variable.type, value)) return;
  const std::string found = variable.secret
                                ? "found something else, which is secret"
                                : fmt::format("found \"{}\"", ipc::printable(value, kMostShown));
  mistakes.push_back(
      fmt::format("{}: expected {}, {}", variable.name, wanted(variable.type), found));
}

void tell_secrets(const Environment& environment, Redactor& redactor) {
  const auto tell = [&redactor](const std::string& name) {
    if (const char* value = value_of(name)) redactor.hide(value);
  };
  for (const std::string& name : environment.secrets) tell(name);
  for (const Variable& variable : environment.variables) {
    if (variable.secret) tell(variable.name);
  }
}

}  // namespace

std::expected<void, std::string> apply(const Environment& environment, Redactor& redactor) {
  tell_secrets(environment, redactor);  // The process's own first: what follows may fail.
  std::vector<std::string> mistakes;
  if (!environment.file.empty()) {
    if (auto applied = apply_file(environment.file); !applied) {
      mistakes.push_back(std::move(applied.error()));
    }
  }
  set_if_unset(environment.defaults);
  for (const Variable& variable : environment.variables) apply_fallback(variable);
  tell_secrets(environment, redactor);

  add_missing(environment, mistakes);
  for (const Variable& variable : environment.variables) add_mistake(variable, mistakes);
  if (mistakes.empty()) return {};
  return std::unexpected(fmt::format("{}", fmt::join(mistakes, "; ")));
}

}  // namespace reeve::worker
