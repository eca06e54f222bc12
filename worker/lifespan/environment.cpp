#include "worker/lifespan/environment.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/dotenv.hpp"

namespace reeve::worker {
namespace {

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

}  // namespace

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
